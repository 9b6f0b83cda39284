"""`towpath audit-trail`: who did what, and whether the trail is whole."""

import json
from typing import Annotated

import typer

from towpath.cli import output
from towpath.cli.canvas_desk import AsJson, open_desk
from towpath.limits import PAGE_ROWS_MAX
from towpath.store import audit_trail

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_command(
    after: Annotated[int, typer.Option(min=0, help="Begin after the entry of this number.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Entries of the workspace, oldest first, at most 500."""
    with open_desk() as desk:
        found = audit_trail.read_page(desk.db, desk.workspace, after=after, limit=PAGE_ROWS_MAX)
    if as_json:
        output.show_json(
            [
                {
                    "number": one.number,
                    "at": one.at,
                    "actor": one.actor,
                    "action": one.action,
                    "object": one.object,
                    "details": json.loads(one.details),
                    "digest": one.digest.hex(),
                }
                for one in found
            ]
        )
    elif found:
        rows = [
            (one.number, f"{one.at:%Y-%m-%d %H:%M:%S}", one.actor, one.action, one.object)
            for one in found
        ]
        output.show_table(("number", "at", "actor", "action", "object"), rows)
    else:
        output.say("Nothing was recorded yet.")


@app.command("verify")
def verify_command(as_json: AsJson = False) -> None:
    """Reckon the chain of digests again. Exit code 1 when an entry was changed or is missing."""
    with open_desk() as desk:
        found = audit_trail.verify(desk.db, desk.workspace)
    head = found.head.hex() if found.head else None
    if as_json:
        output.show_json({"entries": found.entries, "head": head, "broken": found.broken})
    elif found.broken is None:
        output.say(f"{found.entries:,} entries hold. Note the newest digest elsewhere: {head}")
    else:
        output.say(f"Entry {found.broken} was changed, or is missing; {found.entries:,} hold.")
    if found.broken is not None:
        raise typer.Exit(1)
