"""What every `towpath canvas` command works on: the database, the workspace, the partners."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from towpath.api.launching import Reach
from towpath.canvas.findings import Finding, findings_data, findings_text, launchable
from towpath.canvas.graph import Graph
from towpath.canvas.parse import parse_canvas
from towpath.cli import compose, opening, output
from towpath.errors import InputError, NotFoundError
from towpath.ids import WorkspaceId
from towpath.net.door import HttpDoor
from towpath.people.filter_parse import nearest
from towpath.settings import Settings
from towpath.store import audit_trail, canvases
from towpath.store.audit_trail import TERMINAL
from towpath.store.canvases import Canvas
from towpath.store.database import Db, database_now

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
File = Annotated[Path, typer.Argument(help="A Canvas in YAML or JSON; - reads standard input.")]
Name = Annotated[str, typer.Argument(help="The Canvas' name.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command works on."""

    settings: Settings
    db: Db
    workspace: WorkspaceId


def noted(desk: Desk, action: str, where: str) -> AbstractContextManager[dict[str, object]]:
    """What is done inside is told in the audit trail."""
    now = database_now(desk.db)
    return audit_trail.noted(desk.db, desk.workspace, TERMINAL, action, where, now)


@contextmanager
def open_desk() -> Iterator[Desk]:
    """The desk of a command, while it runs."""
    settings = compose.read_settings()
    with opening.opened(settings) as url, compose.connect(url) as db:
        yield Desk(settings, db, opening.workspace_of(db, settings.workspace).id)


def read_file(file: Path) -> Graph:
    """The Canvas of a file. Raises InputError."""
    return parse_canvas(read_bytes(file))


def read_bytes(file: Path) -> bytes:
    """What stands in a file, or in standard input. Raises InputError when there is none."""
    if str(file) == "-":
        return typer.get_binary_stream("stdin").read()
    if not file.is_file():
        raise InputError(f"There is no file {file}.", remedy="Check the path.", field="file")
    return file.read_bytes()


def find(desk: Desk, name: str) -> Canvas:
    """The Canvas of that name. Raises NotFoundError with what may be meant."""
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


def tell(findings: list[Finding], words: str, *, as_json: bool, **more: object) -> None:
    """Show findings and `words`, and end with 1 when a finding stands in the way."""
    if as_json:
        output.show_json({**more, "findings": findings_data(findings)})
    else:
        for line in (*findings_text(findings), words):
            output.say(line)
    if not launchable(findings):
        raise typer.Exit(1)


def reaching(desk: Desk, work: Callable[[Reach], Coroutine[Any, Any, T]]) -> T:
    """Do what may need the partner."""

    async def run() -> T:
        async with HttpDoor() as door:
            return await work(compose.reach(desk.settings, door))

    return asyncio.run(run())
