"""`towpath canvas`: check, apply, launch, pause, resume, stop, list and show Canvases.

What has to do with versions (publish, diff, back) is in `canvas_versions.py`.
"""

import sys
from enum import StrEnum
from typing import Annotated, TypeVar

import typer

from towpath.api import analytics, launching, sync_log
from towpath.api.launching import Reach
from towpath.canvas.findings import Finding, launchable
from towpath.canvas.graph import Graph
from towpath.cli import (
    canvas_show,
    canvas_templates,
    canvas_versions,
    dry_run,
    log,
    opening,
    output,
)
from towpath.cli.canvas_desk import (
    AsJson,
    Desk,
    File,
    Name,
    find,
    noted,
    open_desk,
    reaching,
    read_file,
    tell,
)
from towpath.errors import InputError
from towpath.store import canvases, pauses
from towpath.store.canvases import Canvas, CanvasState
from towpath.store.database import database_now

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True)


Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


class Overdue(StrEnum):
    """What becomes, on resume, of people whose time passed while the Canvas was paused."""

    GO_ON = "go-on"
    EXIT = "exit"


@app.command("validate")
def validate_command(file: File, as_json: AsJson = False) -> None:
    """Check a file: all findings that keep it from launching. Stores nothing."""
    with open_desk() as desk:
        graph = read_file(file)
        found = reaching(desk, lambda reach: _findings(desk, graph, reach))
    can = "can" if launchable(found) else "cannot"
    tell(found, f"{graph.name} {can} be launched.", as_json=as_json, canvas=graph.name)


@app.command("apply")
def apply_command(file: File, as_json: AsJson = False) -> None:
    """Save a file as the Canvas' draft, and create the audiences that it names."""
    with open_desk() as desk:
        graph = read_file(file)
        before = canvases.find(desk.db, desk.workspace, graph.name)
        canvas, revision = launching.save(desk.db, desk.workspace, graph, database_now(desk.db))
        found = reaching(desk, lambda reach: _findings(desk, graph, reach))
        if launchable(found):
            reaching(desk, lambda reach: _make_audiences(desk, graph, reach))
    if before is not None and before.revision == revision:
        words = f"{graph.name} is as it was, revision {revision}."
    else:
        words = f"{graph.name} is saved as revision {revision}."
    if not launchable(found):
        words += " It is a draft, and cannot be launched yet."
    tell(found, words, as_json=as_json, canvas=graph.name, id=canvas, revision=revision)


async def _findings(desk: Desk, graph: Graph, reach: Reach) -> list[Finding]:
    return await launching.findings(desk.db, desk.workspace, graph, reach, database_now(desk.db))


async def _make_audiences(desk: Desk, graph: Graph, reach: Reach) -> None:
    await launching.make_audiences(desk.db, desk.workspace, graph, reach, database_now(desk.db))


@app.command("launch")
def launch_command(
    name: Name,
    people: Annotated[
        int | None, typer.Option(min=0, help="How many people you know it means; else it asks.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Freeze the draft as a version and let people in. Nothing happens while a finding stands."""
    with open_desk() as desk:
        canvas, now = find(desk, name), database_now(desk.db)
        before = reaching(desk, lambda reach: _findings(desk, canvas.draft, reach))
        if launchable(before):
            _acknowledge(desk, canvas, people, yes=yes)
        version, found = reaching(
            desk, lambda reach: launching.launch(desk.db, desk.workspace, canvas, reach, now)
        )
    words = f"{name} is launched. `towpath serve` moves its people."
    if version is None:
        words = f"{name} is not launched."
    tell(found, words, as_json=as_json, canvas=name, version=version)


def _acknowledge(desk: Desk, canvas: Canvas, people: int | None, *, yes: bool) -> None:
    """Whoever launches has seen how many people it means: given with --people, or asked now; or
    that they enter one by one, by what they do, so that nobody knows how many."""
    now = database_now(desk.db)
    if people is not None:
        launching.check_count(desk.db, desk.workspace, canvas.draft, people, now)
        return
    if yes:
        return
    if canvas.draft.entry.one_by_one:
        enter = "when an API call names them" if canvas.draft.entry.by_api else "when they act"
        told = f"Nobody enters {canvas.name} at the launch: people do {enter}, from then on."
        remedy = "Launch with --yes."
    else:
        counted = launching.count(desk.db, desk.workspace, canvas.draft, now)
        told = f"{counted:,} people match the entry of {canvas.name} now."
        remedy = f"Launch with --people {counted}, or --yes for any number."
    if not sys.stdin.isatty():
        raise InputError(told, remedy=remedy, field="people")
    typer.confirm(f"{told} Launch?", abort=True, err=True)


@app.command("pause")
def pause_command(name: Name, as_json: AsJson = False) -> None:
    """Nobody enters or moves until the Canvas is resumed."""
    with open_desk() as desk:
        found = find(desk, name)
        with noted(desk, "canvas.paused", f"canvas {found.id}"):
            canvases.pause(desk.db, desk.workspace, found.id, database_now(desk.db))
    _done(name, CanvasState.PAUSED, f"{name} is paused.", as_json=as_json)


@app.command("resume")
def resume_command(
    name: Name,
    overdue: Annotated[
        Overdue, typer.Option(help="People whose time passed meanwhile go on, or exit.")
    ] = Overdue.GO_ON,
    as_json: AsJson = False,
) -> None:
    """People move again."""
    with open_desk() as desk:
        found = find(desk, name)
        with noted(desk, "canvas.resumed", f"canvas {found.id}") as told:
            left = pauses.resume(
                desk.db,
                desk.workspace,
                found.id,
                exit_overdue=overdue is Overdue.EXIT,
                now=database_now(desk.db),
            )
            told["exiting"] = left
    words = f"{name} runs again." + (f" {left:,} overdue people leave it." if left else "")
    _done(name, CanvasState.RUNNING, words, as_json=as_json, overdue_exited=left)


@app.command("stop")
def stop_command(name: Name, as_json: AsJson = False) -> None:
    """Nobody enters any more; who is inside leaves when their time comes."""
    with open_desk() as desk:
        found = find(desk, name)
        with noted(desk, "canvas.stopped", f"canvas {found.id}"):
            canvases.stop(desk.db, desk.workspace, found.id, database_now(desk.db))
    _done(name, CanvasState.STOPPED, f"{name} is stopped.", as_json=as_json)


def _done(name: str, state: CanvasState, words: str, *, as_json: bool, **more: object) -> None:
    if as_json:
        output.show_json({"canvas": name, "state": state.value, **more})
    else:
        output.say(words)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """All Canvases: state, version, revision, and how many people are inside."""
    with open_desk() as desk:
        found = analytics.listed(desk.db, desk.workspace)
    if as_json:
        output.show_json(found)
    elif found:
        canvas_show.show_list(found)
    else:
        output.say(f"There is no Canvas in {opening.place(desk.settings)}.")


@app.command("show")
def show_command(
    name: Name,
    version: Annotated[
        int | None, typer.Option(min=1, help="Only what was counted in this version.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The Canvas, its state, and its counters, all versions together."""
    with open_desk() as desk:
        canvas, now = find(desk, name), database_now(desk.db)
        found = analytics.shown(desk.db, desk.workspace, canvas, now, version)
        accepted = sync_log.accepted(desk.db, desk.workspace, canvas, now)
    if as_json:
        output.show_json(found | {"enter_to_accepted": accepted.model_dump()})
    else:
        canvas_show.show(found)
        log.tell_accepted(accepted)


app.command("dry-run")(dry_run.dry_run_command)
app.command("publish")(canvas_versions.publish_command)
app.command("diff")(canvas_versions.diff_command)
app.command("back")(canvas_versions.back_command)
app.command("versions")(canvas_versions.versions_command)
app.command("templates")(canvas_templates.templates_command)
app.command("new")(canvas_templates.new_command)
