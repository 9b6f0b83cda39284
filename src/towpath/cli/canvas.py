"""`towpath canvas`: check, apply, launch, pause, resume, stop and show Canvases."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from towpath.canvas.findings import Finding, findings_data, findings_text, launchable
from towpath.canvas.graph import Graph, to_data
from towpath.canvas.parse import parse_canvas
from towpath.cli import canvas_life, compose, output
from towpath.cli.canvas_life import Reach
from towpath.engine.advance import exit_overdue
from towpath.errors import InputError, NotFoundError
from towpath.ids import WorkspaceId
from towpath.ledger.windows import Windows
from towpath.net.door import HttpDoor
from towpath.people.filter_parse import nearest
from towpath.settings import Settings
from towpath.store import arrivals, canvases, tallies, waves, workspaces
from towpath.store.canvases import Canvas
from towpath.store.database import Db, database_now
from towpath.store.tallies import COUNTERS

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
    with compose.open_database(settings) as url, compose.connect(url) as db:
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
        raise NotFoundError(f"There is no Canvas named {name!r}.", remedy=remedy, field="name")
    return found


def _tell(findings: list[Finding], *, as_json: bool, **more: object) -> None:
    """Show findings and end with 1 when one of them stands in the way."""
    if as_json:
        output.show_json({**more, "findings": findings_data(findings)})
    else:
        for line in findings_text(findings):
            output.note(line)
    if not launchable(findings):
        raise typer.Exit(1)


@app.command("validate")
def validate_command(file: File, as_json: AsJson = False) -> None:
    """Check a file: everything that keeps it from launching, at once. Stores nothing."""
    with _desk() as desk:
        graph = _read(file)
        found = _reaching(desk, lambda reach: _findings(desk, graph, reach))
    _tell(found, as_json=as_json, canvas=graph.name)
    if not as_json:
        output.note(f"{graph.name} can be launched.")


@app.command("apply")
def apply_command(file: File, as_json: AsJson = False) -> None:
    """Save a file as the Canvas' draft, and create the audiences that it names."""
    with _desk() as desk:
        graph = _read(file)
        canvas, revision = canvas_life.save(desk.db, desk.workspace, graph, database_now(desk.db))
        found = _reaching(desk, lambda reach: _findings(desk, graph, reach))
        if launchable(found):
            _reaching(desk, lambda reach: _make_audiences(desk, graph, reach))
    _tell(found, as_json=as_json, canvas=graph.name, id=canvas, revision=revision)
    if not as_json:
        output.note(f"{graph.name} is saved as revision {revision}.")


async def _findings(desk: Desk, graph: Graph, reach: Reach) -> list[Finding]:
    return await canvas_life.findings(desk.db, desk.workspace, graph, reach, database_now(desk.db))


async def _make_audiences(desk: Desk, graph: Graph, reach: Reach) -> None:
    await canvas_life.make_audiences(desk.db, desk.workspace, graph, reach, database_now(desk.db))


def _reaching(desk: Desk, work: Callable[[Reach], Coroutine[Any, Any, T]]) -> T:
    """Do what may need the partner."""

    async def run() -> T:
        async with HttpDoor() as door:
            urls = {"tiktok": desk.settings.tiktok_base_url}
            return await work(Reach(door, urls, compose.key_ring(desk.settings)))

    return asyncio.run(run())


@app.command("launch")
def launch_command(name: Name, as_json: AsJson = False) -> None:
    """Freeze the draft as a version and let people in. Nothing happens while a finding stands."""
    with _desk() as desk:
        canvas = _find(desk, name)
        version, found = _reaching(
            desk,
            lambda reach: canvas_life.launch(
                desk.db, desk.workspace, canvas, reach, database_now(desk.db)
            ),
        )
    _tell(found, as_json=as_json, canvas=name, version=version)
    if not as_json:
        output.note(f"{name} is launched. `towpath serve` moves its people.")


@app.command("pause")
def pause_command(name: Name) -> None:
    """Nobody enters or moves until the Canvas is resumed."""
    with _desk() as desk:
        found = _find(desk, name)
        canvases.pause(desk.db, desk.workspace, found.id, database_now(desk.db))
    output.note(f"{name} is paused.")


@app.command("resume")
def resume_command(
    name: Name,
    overdue: Annotated[
        Overdue, typer.Option(help="People whose time passed meanwhile go on, or exit.")
    ] = Overdue.GO_ON,
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
    output.note(f"{name} runs again." + (f" {left:,} overdue people left it." if left else ""))


@app.command("stop")
def stop_command(name: Name) -> None:
    """Nobody enters any more; who is inside leaves when their time comes."""
    with _desk() as desk:
        found = _find(desk, name)
        canvases.stop(desk.db, desk.workspace, found.id, database_now(desk.db))
    output.note(f"{name} is stopped.")


@app.command("show")
def show_command(name: Name, as_json: AsJson = False) -> None:
    """The Canvas, its state, and the counters of its newest version."""
    with _desk() as desk:
        shown = _shown(desk, _find(desk, name))
    if as_json:
        output.show_json(shown)
        return
    output.show_table(
        ("Step", *(counter.replace("_", " ") for counter in COUNTERS), "standing here"),
        (
            (step, *(f"{row[counter]:,}" for counter in COUNTERS), f"{row['standing']:,}")
            for step, row in shown["steps"].items()
        ),
        title=f"{shown['name']}: {shown['state']}, revision {shown['revision']}",
    )
    for step, row in shown["steps"].items():
        if row["trouble"]:
            output.note(f"{step}: {row['trouble']['message']} {row['trouble']['remedy']}")


def _shown(desk: Desk, canvas: Canvas) -> dict[str, Any]:
    versions = canvases.versions(desk.db, desk.workspace, canvas.id)
    steps: dict[str, dict[str, Any]] = {}
    if versions:
        newest = versions[-1]
        counters = tallies.read(desk.db, newest.id)
        standing = waves.standing(desk.db, newest.id)
        reasons = arrivals.reasons(desk.db, newest.id)
        troubles = canvas_life.troubles(desk.db, newest.graph, database_now(desk.db))
        for step in newest.graph.walk():
            steps[step] = {
                **asdict(counters.get(step, tallies.Change())),
                "standing": standing.get(step, 0),
                "reasons": reasons.get(step, {}),
                "trouble": asdict(troubles[step]) if step in troubles else None,
            }
    return {
        "name": canvas.name,
        "state": canvas.state.value,
        "revision": canvas.revision,
        "version": versions[-1].number if versions else None,
        "draft": to_data(canvas.draft),
        "steps": steps,
    }
