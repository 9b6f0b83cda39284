"""`towpath sync`: continuous segment syncs, which keep an audience equal to a segment."""

from typing import Annotated, Any

import typer

from towpath.api import syncing
from towpath.canvas.parse import read_data
from towpath.canvas.segment_sync import SegmentSync
from towpath.cli import opening, output
from towpath.cli.canvas_desk import AsJson, Desk, File, noted, open_desk, reaching, read_bytes, tell
from towpath.errors import NotFoundError
from towpath.limits import PAGE_ROWS_MAX
from towpath.people.filter_parse import nearest
from towpath.store import canvases, segment_syncs
from towpath.store.database import database_now
from towpath.store.segment_syncs import Sync
from towpath.store.tallies import COUNTERS

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The sync's name.")]


@app.command("start")
def start_command(file: File, as_json: AsJson = False) -> None:
    """Check a file, make its audience, and keep the audience equal to the segment from now on."""
    plan = SegmentSync.parse(read_data(read_bytes(file)))
    with open_desk() as desk:
        now = database_now(desk.db)
        made, found = reaching(
            desk, lambda reach: syncing.begin(desk.db, desk.workspace, plan, reach, now)
        )
    words = f"{plan.name} is looked at when `towpath serve` runs."
    if made is None:
        words = f"{plan.name} has not begun."
    tell(found, words, as_json=as_json, sync=plan.name, id=made)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """All segment syncs."""
    with open_desk() as desk:
        found = [syncing.shown(desk.db, one) for one in _all(desk)]
    if as_json:
        output.show_json(found)
    elif found:
        rows = [
            (one["name"], one["state"], one["plan"]["segment"], f"{one['people']:,}")
            for one in found
        ]
        output.show_table(("sync", "state", "segment", "people"), rows)
    else:
        output.say(f"There is no segment sync in {opening.place(desk.settings)}.")


@app.command("show")
def show_command(name: Name, as_json: AsJson = False) -> None:
    """A sync, when it was and will be looked at, and the counters of what it adds and removes."""
    with open_desk() as desk:
        found = syncing.shown(desk.db, _find(desk, name))
    if as_json:
        output.show_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    output.say(f"{found['name']}: {found['state']}, {found['people']:,} people wanted in.")
    looked, next_look = found["looked_at"], found["look_at"]
    if looked is not None:
        output.say(f"Looked at {looked:%Y-%m-%d %H:%M:%S} UTC.")
    if next_look is not None:
        output.say(f"Looked at next at {next_look:%Y-%m-%d %H:%M:%S} UTC.")
    if found["trouble"]:
        output.say(f"The last look failed: {found['trouble']}")
    head = ("step", *(counter.replace("_", " ") for counter in COUNTERS))
    rows = [
        (step, *(f"{counted[counter]:,}" for counter in COUNTERS))
        for step, counted in found["steps"].items()
    ]
    output.show_table(head, rows)


@app.command("pause")
def pause_command(name: Name, as_json: AsJson = False) -> None:
    """Look no more until it is resumed; what is pending is still sent."""
    with open_desk() as desk:
        found = _find(desk, name)
        with noted(desk, "segment_sync.paused", f"segment sync {found.plan.name}"):
            canvases.pause(desk.db, desk.workspace, found.canvas, database_now(desk.db))
    _done(name, "paused", as_json=as_json)


@app.command("resume")
def resume_command(name: Name, as_json: AsJson = False) -> None:
    """Look again."""
    with open_desk() as desk:
        found = _find(desk, name)
        with noted(desk, "segment_sync.resumed", f"segment sync {found.plan.name}"):
            canvases.resume(desk.db, desk.workspace, found.canvas, database_now(desk.db))
    _done(name, "running", as_json=as_json)


@app.command("stop")
def stop_command(
    name: Name,
    remove_everyone: Annotated[
        bool, typer.Option("--remove-everyone", help="Take out everybody first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look no more. People stay in the audience unless --remove-everyone takes them out."""
    with open_desk() as desk:
        found = _find(desk, name)
        with noted(desk, "segment_sync.stopped", f"segment sync {found.plan.name}") as told:
            told["remove_everyone"] = remove_everyone
            segment_syncs.stop(
                desk.db,
                desk.workspace,
                found.canvas,
                remove_everyone=remove_everyone,
                now=database_now(desk.db),
            )
    _done(name, "emptying" if remove_everyone else "stopped", as_json=as_json)


def _done(name: str, state: str, *, as_json: bool) -> None:
    if as_json:
        output.show_json({"sync": name, "state": state})
    else:
        output.say(f"{name} is {state} now.")


def _all(desk: Desk) -> list[Sync]:
    found: list[Sync] = []
    while page := segment_syncs.list_page(
        desk.db, desk.workspace, after=found[-1].plan.name if found else "", limit=PAGE_ROWS_MAX
    ):
        found += page
    return found


def _find(desk: Desk, name: str) -> Sync:
    found = segment_syncs.find(desk.db, desk.workspace, name)
    if found is None:
        known = [one.plan.name for one in _all(desk)]
        remedy = nearest(name, known) if known else "`towpath sync start FILE` begins one."
        raise NotFoundError(
            f"There is no segment sync named {name!r}.", remedy=remedy, field="name"
        )
    return found
