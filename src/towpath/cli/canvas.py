"""`towpath canvas`: check, apply, launch, pause, resume, stop, list and show Canvases."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from towpath.api import analytics, launching
from towpath.api.launching import Reach
from towpath.canvas.findings import Finding, findings_data, findings_text, launchable
from towpath.canvas.graph import Graph
from towpath.canvas.parse import parse_canvas
from towpath.cli import canvas_show, compose, opening, output
from towpath.engine.advance import exit_overdue
from towpath.errors import InputError, NotFoundError
from towpath.ids import WorkspaceId
from towpath.ledger.windows import Windows
from towpath.net.door import HttpDoor
from towpath.people.filter_parse import nearest
from towpath.settings import Settings
from towpath.store import canvases, workspaces
from towpath.store.canvases import Canvas, CanvasState
from towpath.store.database import Db, database_now

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
File = Annotated[Path, typer.Argument(help="A Canvas in YAML or JSON; - reads standard input.")]
Name = Annotated[str, typer.Argument(help="The Canvas' name.")]


class Overdue(StrEnum):
    """What becomes, on resume, of people whose time passed while the Canvas was paused."""

    GO_ON = "go-on"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command works on."""

    settings: Settings
    db: Db
    workspace: WorkspaceId


@contextmanager
def _desk() -> Iterator[Desk]:
    settings = compose.read_settings()
    with opening.opened(settings) as url, compose.connect(url) as db:
        yield Desk(settings, db, workspaces.ensure_default(db, database_now(db)).id)


def _read(file: Path) -> Graph:
    if str(file) == "-":
        return parse_canvas(typer.get_binary_stream("stdin").read())
    if not file.is_file():
        raise InputError(f"There is no file {file}.", remedy="Check the path.", field="file")
    return parse_canvas(file.read_bytes())


def _find(desk: Desk, name: str) -> Canvas:
    found = canvases.find(desk.db, desk.workspace, name)
    if found is None:
        known = [canvas.name for canvas in canvases.list_all(desk.db, desk.workspace)]
        remedy = nearest(name, known) if known else "`towpath canvas apply FILE` saves one."
        raise NotFoundError(
            f"There is no Canvas named {name!r} in {opening.place(desk.settings)}.",
            remedy=f"{remedy} Is this the right place? TOWPATH_DATA_DIR, TOWPATH_DATABASE_URL or"
            " towpath.toml name another.",
            field="name",
        )
    return found


def _tell(findings: list[Finding], words: str, *, as_json: bool, **more: object) -> None:
    """Show findings and `words`, and end with 1 when a finding stands in the way."""
    if as_json:
        output.show_json({**more, "findings": findings_data(findings)})
    else:
        for line in (*findings_text(findings), words):
            output.say(line)
    if not launchable(findings):
        raise typer.Exit(1)


@app.command("validate")
def validate_command(file: File, as_json: AsJson = False) -> None:
    """Check a file: all findings that keep it from launching. Stores nothing."""
    with _desk() as desk:
        graph = _read(file)
        found = _reaching(desk, lambda reach: _findings(desk, graph, reach))
    can = "can" if launchable(found) else "cannot"
    _tell(found, f"{graph.name} {can} be launched.", as_json=as_json, canvas=graph.name)


@app.command("apply")
def apply_command(file: File, as_json: AsJson = False) -> None:
    """Save a file as the Canvas' draft, and create the audiences that it names."""
    with _desk() as desk:
        graph = _read(file)
        before = canvases.find(desk.db, desk.workspace, graph.name)
        canvas, revision = launching.save(desk.db, desk.workspace, graph, database_now(desk.db))
        found = _reaching(desk, lambda reach: _findings(desk, graph, reach))
        if launchable(found):
            _reaching(desk, lambda reach: _make_audiences(desk, graph, reach))
    if before is not None and before.revision == revision:
        words = f"{graph.name} is as it was, revision {revision}."
    else:
        words = f"{graph.name} is saved as revision {revision}."
    if not launchable(found):
        words += " It is a draft, and cannot be launched yet."
    _tell(found, words, as_json=as_json, canvas=graph.name, id=canvas, revision=revision)


async def _findings(desk: Desk, graph: Graph, reach: Reach) -> list[Finding]:
    return await launching.findings(desk.db, desk.workspace, graph, reach, database_now(desk.db))


async def _make_audiences(desk: Desk, graph: Graph, reach: Reach) -> None:
    await launching.make_audiences(desk.db, desk.workspace, graph, reach, database_now(desk.db))


def _reaching(desk: Desk, work: Callable[[Reach], Coroutine[Any, Any, T]]) -> T:
    """Do what may need the partner."""

    async def run() -> T:
        async with HttpDoor() as door:
            return await work(compose.reach(desk.settings, door))

    return asyncio.run(run())


@app.command("launch")
def launch_command(name: Name, as_json: AsJson = False) -> None:
    """Freeze the draft as a version and let people in. Nothing happens while a finding stands."""
    with _desk() as desk:
        canvas = _find(desk, name)
        version, found = _reaching(
            desk,
            lambda reach: launching.launch(
                desk.db, desk.workspace, canvas, reach, database_now(desk.db)
            ),
        )
    words = f"{name} is launched. `towpath serve` moves its people."
    if version is None:
        words = f"{name} is not launched."
    _tell(found, words, as_json=as_json, canvas=name, version=version)


@app.command("pause")
def pause_command(name: Name, as_json: AsJson = False) -> None:
    """Nobody enters or moves until the Canvas is resumed."""
    with _desk() as desk:
        found = _find(desk, name)
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
    left = 0
    with _desk() as desk:
        found = _find(desk, name)
        windows: Windows = compose.windows(desk.settings)
        now = database_now(desk.db)
        with desk.db.transaction():
            canvases.resume(desk.db, desk.workspace, found.id, now)
            if overdue is Overdue.EXIT:
                left = exit_overdue(desk.db, found.id, now, windows)
    words = f"{name} runs again." + (f" {left:,} overdue people left it." if left else "")
    _done(name, CanvasState.RUNNING, words, as_json=as_json, overdue_exited=left)


@app.command("stop")
def stop_command(name: Name, as_json: AsJson = False) -> None:
    """Nobody enters any more; who is inside leaves when their time comes."""
    with _desk() as desk:
        found = _find(desk, name)
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
    with _desk() as desk:
        found = analytics.listed(desk.db, desk.workspace)
    if as_json:
        output.show_json(found)
    elif found:
        canvas_show.show_list(found)
    else:
        output.say(f"There is no Canvas in {opening.place(desk.settings)}.")


@app.command("show")
def show_command(name: Name, as_json: AsJson = False) -> None:
    """The Canvas, its state, and the counters of its newest version."""
    with _desk() as desk:
        canvas, now = _find(desk, name), database_now(desk.db)
        found = analytics.shown(desk.db, desk.workspace, canvas, now)
    if as_json:
        output.show_json(found)
    else:
        canvas_show.show(found)
