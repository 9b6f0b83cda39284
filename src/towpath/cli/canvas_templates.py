"""`towpath canvas templates` and `new`: the document's four uses, as Canvas files to begin with."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from towpath.cli import output
from towpath.cli.canvas_desk import AsJson, open_desk
from towpath.errors import InputError, NotFoundError
from towpath.partners.tiktok.client import audience_name
from towpath.people.filter_parse import nearest
from towpath.store import connections

TEMPLATES = {
    "high-value": "High-value people, over several channels.",
    "re-target": "People who do not respond, by another channel.",
    "suppression": "People who bought, to be left out of ads.",
    "lookalike": "The best customers, as the source of a lookalike.",
}


def templates_command(as_json: AsJson = False) -> None:
    """What `towpath canvas new` can begin with."""
    if as_json:
        output.show_json(TEMPLATES)
    else:
        output.show_table(("template", "for"), TEMPLATES.items())


def new_command(
    template: Annotated[str, typer.Option(help="Of `towpath canvas templates`.")],
    audience: Annotated[str, typer.Option(help="The audience's name; it is made if need be.")],
    ad_account: Annotated[
        str | None, typer.Option("--ad-account", help="Its id; needed when there are several.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Write it there; else it is printed.")] = None,
) -> None:
    """A Canvas file that launches as it is: apply it, launch it, change it as you like."""
    if ad_account is None:
        ad_account = _only_ad_account()
    text = written(template, audience, ad_account)
    if file is None:
        output.say(text.rstrip())
        return
    if file.exists():
        raise InputError(f"There is a file {file} already.", field="--file")
    file.write_text(text, encoding="utf-8")
    output.say(f"{file} is written. `towpath canvas apply {file}` saves it as a draft.")


def written(template: str, audience: str, ad_account: str) -> str:
    """The template for an audience's name and an ad account's id. Raises InputError."""
    if template not in TEMPLATES:
        remedy = nearest(template, TEMPLATES)
        raise InputError(f"There is no template {template!r}.", remedy=remedy, field="--template")
    if not ad_account.isascii() or not ad_account.isdigit():
        raise InputError("An ad account's id is a number.", field="--ad-account")
    name = audience_name(audience).replace("\\", "\\\\").replace('"', '\\"')
    found = files("towpath.cli").joinpath("templates", f"{template}.yaml")
    text = found.read_text(encoding="utf-8").replace("AD_ACCOUNT", ad_account)
    return text.replace('"AUDIENCE"', f'"{name}"')


def _only_ad_account() -> str:
    with open_desk() as desk:
        found = {
            account.partner_ref: account.name
            for connection in connections.list_all(desk.db, desk.workspace)
            for account in connections.chosen_ad_accounts(desk.db, desk.workspace, connection.id)
        }
    if not found:
        raise NotFoundError("No ad account is connected.", remedy="`towpath connect tiktok` does.")
    if len(found) > 1:
        named = ", ".join(f"{ref} ({name})" for ref, name in found.items())
        raise InputError(
            "There are several ad accounts.", remedy=f"Name one: {named}.", field="--ad-account"
        )
    return str(next(iter(found)))
