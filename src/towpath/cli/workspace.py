"""`towpath workspace`: make workspaces, list them, change their settings."""

from dataclasses import asdict, replace
from typing import Annotated

import typer

from towpath.api.workspaces import read_fields, read_purposes
from towpath.cli import compose, opening, output
from towpath.cli.match import country_option
from towpath.errors import InputError
from towpath.limits import AGE_MIN_MAX, NAME_CHARS_MAX
from towpath.store import consents, workspaces
from towpath.store.database import database_now
from towpath.store.workspaces import Workspace

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The workspace's name.")]


@app.command("create")
def create_command(name: Name, as_json: AsJson = False) -> None:
    """Make a workspace. Whatever is in it is seen nowhere else."""
    wanted = name.strip()
    if not 0 < len(wanted) <= NAME_CHARS_MAX or not wanted.isprintable():
        raise InputError(
            f"A workspace's name is one line of 1 to {NAME_CHARS_MAX} characters.", field="name"
        )
    with opening.opened(compose.read_settings()) as url, compose.connect(url) as db:
        made = workspaces.create(db, wanted, database_now(db))
    _show([made], f"{made.name} is made. `--workspace {made.name!r}` works in it.", as_json)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """All workspaces with their settings."""
    with opening.opened(compose.read_settings()) as url, compose.connect(url) as db:
        found = workspaces.list_all(db)
    _show(found, "", as_json)


@app.command("set")
def set_command(
    name: Name,
    country: Annotated[
        str | None,
        typer.Option(help="Where phones without a country code are from, such as BR; '' for none."),
    ] = None,
    unknown_consent_is_sent: Annotated[
        bool | None,
        typer.Option(help="Are people of whom no consent is known sent to partners too?"),
    ] = None,
    fields_allowed: Annotated[
        str | None,
        typer.Option(help="Match fields that may leave at all, such as email,phone; '' for none."),
    ] = None,
    age_min: Annotated[
        int | None,
        typer.Option(
            min=0, max=AGE_MIN_MAX, help="Whoever is known to be younger is never sent; 0: no age."
        ),
    ] = None,
    purposes: Annotated[
        str | None,
        typer.Option(help="Consent to each is needed too, such as ads,profiling; '' for none."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change settings; what is left out stays. Whoever may not be sent any more leaves every
    audience."""
    with opening.opened(compose.read_settings()) as url, compose.connect(url) as db:
        wanted = opening.workspace_of(db, name)
        if country is not None:
            wanted = replace(wanted, default_country=country_option(country) if country else None)
        if unknown_consent_is_sent is not None:
            wanted = replace(wanted, unknown_consent_is_sent=unknown_consent_is_sent)
        if fields_allowed is not None:
            words = filter(None, (one.strip() for one in fields_allowed.split(",")))
            wanted = replace(wanted, fields_allowed=read_fields(words))
        if age_min is not None:
            wanted = replace(wanted, age_min=age_min or None)
        if purposes is not None:
            names = filter(None, (one.strip() for one in purposes.split(",")))
            wanted = replace(wanted, purposes=read_purposes(names))
        changed = consents.change_rules(db, wanted, database_now(db))
    _show([changed], f"{name} is changed.", as_json)


def _show(found: list[Workspace], words: str, as_json: bool) -> None:
    if as_json:
        told = [asdict(one) for one in found]
        output.show_json(told[0] if words else told)
        return
    if found:
        rows = [
            (
                one.name,
                one.default_country or "–",
                "yes" if one.unknown_consent_is_sent else "no",
                ", ".join(one.fields_allowed) or "none",
                one.age_min or "–",
                ", ".join(one.purposes) or "–",
            )
            for one in found
        ]
        columns = (
            "workspace",
            "country",
            "unknown consent is sent",
            "fields that may leave",
            "least age",
            "purposes",
        )
        output.show_table(columns, rows)
    if words or not found:
        output.say(words or "There is no workspace yet.")
