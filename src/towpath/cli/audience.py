"""`towpath audience`: an ad account's audiences, listed, searched, made, cleaned up; lookalikes."""

from typing import Annotated

import typer

from towpath.api import audience_making
from towpath.api.audiences import NOTES, NewLookalike, listed, read_lookalike
from towpath.api.pages import Asked
from towpath.api.reach import Place, place_of
from towpath.cli import output
from towpath.cli.canvas_desk import AsJson, Desk, open_desk, reaching
from towpath.clock import seconds
from towpath.errors import InputError, NotFoundError
from towpath.ids import PartnerRef
from towpath.limits import AUDIENCES_FRESH_S, PAGE_ROWS_MAX
from towpath.people.filter_parse import nearest
from towpath.store import audience_listings, audiences, connections
from towpath.store.database import database_now

app = typer.Typer(no_args_is_help=True)

Account = Annotated[
    str | None,
    typer.Option("--ad-account", help="Its id or name; needed when there are several."),
]
Name = Annotated[str, typer.Argument(help="The audience's name.")]


@app.command("list")
def list_command(
    search: Annotated[str, typer.Argument(help="A part of the name, or how the id begins.")] = "",
    ad_account: Account = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the partner now.")] = False,
    as_json: AsJson = False,
) -> None:
    """The audiences of an ad account, the newest first, and which of them can take a sync."""
    with open_desk() as desk:
        place, now = _place(desk, ad_account), database_now(desk.db)
        asked_at = audience_listings.refreshed_at(desk.db, place.account.id)
        if refresh or asked_at is None or asked_at + seconds(AUDIENCES_FRESH_S) < now:
            reaching(desk, lambda reach: audience_making.refresh(desk.db, place, reach, now))
        found = listed(desk.db, place, search, Asked(PAGE_ROWS_MAX, None), now)
    if as_json:
        output.show_json(found.model_dump())
        return
    rows = [
        (
            one.name,
            one.id,
            one.kind,
            "–" if one.people is None else f"{one.people:,}",
            "yes" if one.valid else "no",
            "–" if one.expires_at is None else f"{one.expires_at:%Y-%m-%d}",
            one.unusable_because or ("expires soon" if one.expires_soon else "can take a sync"),
        )
        for one in found.items
    ]
    columns = ("audience", "id", "kind", "people", "valid", "expires", "sync")
    output.show_table(columns, rows, place.account.name)
    output.say(
        f"{found.owned} of {found.owned_max} audiences, as of {found.refreshed_at:%H:%M} UTC."
    )
    for words in NOTES:
        output.say(words)
    if found.items:
        output.say(f"In Ads Manager: {found.items[0].page}")


@app.command("create")
def create_command(name: Name, ad_account: Account = None, as_json: AsJson = False) -> None:
    """Make an audience, once; one of that name that takes syncs stays the one."""
    with open_desk() as desk:
        place, now = _place(desk, ad_account), database_now(desk.db)
        made = reaching(
            desk, lambda reach: audience_making.make(desk.db, place, name.strip(), reach, now)
        )
        found = audiences.read(desk.db, desk.workspace, made)
    if as_json:
        output.show_json({"audience": made, "id": found.made_ref, "name": found.name})
    elif not found.made:
        output.say(f"{found.name} has its name; its first file makes it: `towpath transport list`.")
    else:
        output.say(f"{found.name} is at the partner, with the id {found.partner_ref}.")


@app.command("unused")
def unused_command(as_json: AsJson = False) -> None:
    """Audiences that Towpath made and nothing names: they count against the partner's bound."""
    with open_desk() as desk:
        found = audiences.unused(desk.db, desk.workspace)
    if as_json:
        output.show_json([{"id": one.partner_ref, "name": one.name} for one in found])
    elif found:
        rows = [(one.name, one.partner_ref, f"{one.created_at:%Y-%m-%d}") for one in found]
        output.show_table(("audience", "id", "made"), rows)
        output.say("`towpath audience delete ID` deletes one at the partner.")
    else:
        output.say("There is none.")


@app.command("delete")
def delete_command(
    ref: Annotated[str, typer.Argument(metavar="ID", help="The partner's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete an audience that Towpath made and nothing uses, at the partner."""
    with open_desk() as desk:
        known = audiences.list_all(desk.db, desk.workspace)
        found = next((one for one in known if one.partner_ref == ref), None)
        if found is None:
            raise NotFoundError(f"Towpath knows no audience {ref[:40]}.", field="id")
        if not yes:
            typer.confirm(f"Delete {found.name} at the partner?", abort=True, err=True)
        place, now = place_of(desk.db, desk.workspace, found.ad_account), database_now(desk.db)
        reaching(desk, lambda reach: audience_making.delete(desk.db, place, found.id, reach, now))
    if as_json:
        output.show_json({"deleted": ref})
    else:
        output.say(f"{found.name} is deleted.")


@app.command("lookalike")
def lookalike_command(
    name: Name,
    source: Annotated[str, typer.Option(help="The partner's id of the audience to resemble.")],
    location: Annotated[list[str], typer.Option(help="The partner's id of a place; repeat it.")],
    size: Annotated[str, typer.Option(help="narrow, balanced or broad.")] = "balanced",
    system: Annotated[str, typer.Option(help="all, android or ios.")] = "all",
    placement: Annotated[
        list[str] | None, typer.Option(help="tiktok, topbuzz or pangle; repeat it.")
    ] = None,
    include_source: Annotated[
        bool, typer.Option("--include-source", help="Its own people are in it too.")
    ] = False,
    ad_account: Account = None,
    as_json: AsJson = False,
) -> None:
    """Make an audience of people who are like those of another; the partner finds them."""
    body = NewLookalike(
        name=name,
        source=source,
        locations=location,
        size=size,
        system=system,
        placements=placement or ["tiktok"],
        include_source=include_source,
    )
    wanted = read_lookalike(body)
    with open_desk() as desk:
        place, now = _place(desk, ad_account), database_now(desk.db)
        ref = reaching(
            desk, lambda reach: audience_making.make_lookalike(desk.db, place, wanted, reach, now)
        )
    if as_json:
        output.show_json({"id": ref, "name": wanted.name})
    else:
        output.say(f"{wanted.name} is made, with the id {ref}; it is filled within 48 hours.")


def _place(desk: Desk, named: str | None) -> Place:
    """The ad account that is meant. Raises InputError, NotFoundError."""
    found = [
        account
        for connection in connections.list_all(desk.db, desk.workspace)
        for account in connections.chosen_ad_accounts(desk.db, desk.workspace, connection.id)
    ]
    if not found:
        raise NotFoundError("No ad account is connected.", remedy="`towpath connect tiktok` does.")
    if named is None:
        if len({one.partner_ref for one in found}) > 1:
            raise InputError(
                "There are several ad accounts.",
                remedy="Name one: " + ", ".join(f"{one.partner_ref} ({one.name})" for one in found),
                field="--ad-account",
            )
        return place_of(desk.db, desk.workspace, found[0].id)
    for one in found:
        if named in (PartnerRef(one.partner_ref), one.name):
            return place_of(desk.db, desk.workspace, one.id)
    raise NotFoundError(
        f"There is no ad account {named[:100]!r}.",
        remedy=nearest(named, [one.name for one in found]),
        field="--ad-account",
    )
