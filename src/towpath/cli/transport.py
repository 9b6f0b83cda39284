"""`towpath transport`: whether people reach audiences within seconds or by files; the move."""

from typing import Annotated

import typer

from towpath.api import transports
from towpath.api.transports import FileAudienceShown, TransportShown
from towpath.cli import output
from towpath.cli.canvas_desk import AsJson, open_desk, reaching
from towpath.errors import NotFoundError
from towpath.people.filter_parse import nearest
from towpath.store import audit_trail, file_updates
from towpath.store.database import database_now

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Each connection's transport; when the next file of an audience leaves."""
    with open_desk() as desk:
        found = transports.shown(desk.db, desk.workspace, database_now(desk.db))
    if as_json:
        output.show_json([one.model_dump(mode="json") for one in found])
        return
    for one in found:
        _tell(one)
    if not found:
        output.say("Nothing is connected: `towpath connect tiktok`.")


@app.command("move")
def move_command(
    audience: Annotated[str, typer.Argument(help="The audience that files fill.")],
    name: Annotated[str, typer.Argument(help="The name of the new audience.")],
    as_json: AsJson = False,
) -> None:
    """Move an audience to streaming, once TikTok has allowlisted the app."""
    with open_desk() as desk:
        found = {one.name: one.id for one in file_updates.list_all(desk.db, desk.workspace)}
        if audience not in found:
            remedy = nearest(audience, list(found)) if found else "`towpath transport list`"
            raise NotFoundError(f"No files fill {audience!r}.", remedy=remedy, field="audience")
        now, workspace = database_now(desk.db), desk.workspace
        moved = reaching(
            desk,
            lambda reach: transports.move(
                desk.db, workspace, found[audience], name, reach, now, audit_trail.TERMINAL
            ),
        )
    if as_json:
        output.show_json(moved.model_dump())
        return
    output.say(f"{name} is made, and is kept equal to {audience} by a segment sync.")
    output.say(f"Name {name} in your Canvases and ad groups; then stop the sync, and delete")
    output.say(f"{audience}: `towpath sync stop`, `towpath audience delete`.")


def _tell(one: TransportShown) -> None:
    output.say(f"{one.name}: {one.transport}. {one.note}")
    if one.may_stream_since is not None:
        since = f"{one.may_stream_since:%Y-%m-%d}"
        output.say(f"TikTok lets the app stream since {since}: `towpath transport move`.")
    if one.audiences:
        rows = [_row(each) for each in one.audiences]
        output.show_table(("audience", "id", "to add", "to remove", "updates", "next"), rows)


def _row(one: FileAudienceShown) -> tuple[str, ...]:
    waits = f"when {one.people_needed:,} wait"
    following = f"{one.next_update_at:%m-%d %H:%M} UTC" if one.next_update_at else waits
    counts = (f"{one.adding:,}", f"{one.removing:,}", f"{one.updates} in 25 h")
    return (one.name, one.id or "not made yet", *counts, following)
