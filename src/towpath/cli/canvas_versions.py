"""`towpath canvas publish`, `diff`, `back` and `versions`: editing a Canvas while it runs."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from towpath.api import analytics, launching
from towpath.canvas.difference import Change, Move, differences
from towpath.canvas.graph import Graph
from towpath.cli import output
from towpath.cli.canvas_desk import AsJson, Desk, Name, find, open_desk, reaching, tell
from towpath.errors import InputError, NotFoundError
from towpath.ids import StepId, VersionId
from towpath.store import canvases, publishing
from towpath.store.canvases import Canvas, Version
from towpath.store.database import database_now
from towpath.store.publishing import Redirects

OUT = "out"
TEXT_CHARS = 60

Redirect = Annotated[
    list[str] | None,
    typer.Option(
        "--redirect",
        metavar="STEP=STEP",
        help=f"People of a step go to another; {OUT} leads out of the Canvas. Repeat it.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]


def publish_command(
    name: Name,
    redirect: Redirect = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make the draft what runs: shows what changes, and where the people inside go."""
    with open_desk() as desk:
        canvas = find(desk, name)
        _publish(desk, canvas, _redirects(redirect or []), dry_run, yes=yes, as_json=as_json)


def back_command(
    name: Name,
    to: Annotated[
        int | None, typer.Option(min=1, help="The version; without it, the one before.")
    ] = None,
    redirect: Redirect = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Publish an older version again. The draft becomes what it was."""
    with open_desk() as desk:
        canvas = find(desk, name)
        older = _older(desk, canvas, to)
        draft = launching.renamed(older.graph, canvas.name)
        if dry_run:
            _show(desk, canvas, draft, _redirects(redirect or []), as_json=as_json)
            return
        canvases.save_draft(
            desk.db,
            desk.workspace,
            canvas.id,
            draft,
            revision=canvas.revision,
            now=database_now(desk.db),
        )
        canvas = find(desk, name)
        _publish(desk, canvas, _redirects(redirect or []), False, yes=yes, as_json=as_json)


def diff_command(
    name: Name,
    old: Annotated[
        int | None, typer.Option("--from", min=1, help="A version; without it, the newest.")
    ] = None,
    new: Annotated[
        int | None, typer.Option("--to", min=1, help="Another; without it, the draft.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What differs between two versions, or between what runs and the draft."""
    with open_desk() as desk:
        canvas = find(desk, name)
        was = _version(desk, canvas, old).graph
        now = canvas.draft if new is None else _version(desk, canvas, new).graph
    found = differences(was, now)
    if as_json:
        output.show_json([asdict(one) for one in found])
    elif found:
        _show_changes(found)
    else:
        output.say("Nothing differs.")


def versions_command(name: Name, as_json: AsJson = False) -> None:
    """The launched versions: when, and how many people stand in each."""
    with open_desk() as desk:
        canvas = find(desk, name)
        rows = [
            analytics.version_row(desk.db, one)
            for one in canvases.versions(desk.db, desk.workspace, canvas.id)
        ]
    if as_json:
        output.show_json(rows)
        return
    output.show_table(
        ("Version", "Launched", "Inside"),
        ((one["number"], f"{one['launched_at']:%Y-%m-%d %H:%M}Z", one["inside"]) for one in rows),
    )


def _publish(
    desk: Desk, canvas: Canvas, redirects: Redirects, dry_run: bool, *, yes: bool, as_json: bool
) -> None:
    moves = _show(desk, canvas, canvas.draft, redirects, as_json=as_json and dry_run)
    if dry_run:
        return
    leaving = sum(one.people for one in moves if one.how == "leaves")
    if not yes:
        asked = f"Publish {canvas.name}?"
        if leaving:
            asked = f"{leaving:,} people would leave, since their step is gone. {asked}"
        if not sys.stdin.isatty():
            raise InputError(
                "Publishing moves people, and nobody is there to be asked.",
                remedy="Look with --dry-run, then publish with --yes.",
                field="yes",
            )
        typer.confirm(asked, abort=True, err=True)
    now = database_now(desk.db)
    published, found = reaching(
        desk,
        lambda reach: launching.publish(desk.db, desk.workspace, canvas, redirects, reach, now),
    )
    if published is None:
        tell(found, f"{canvas.name} is not published.", as_json=as_json, canvas=canvas.name)
        return
    version = canvases.version(desk.db, published.version).number
    tell(
        found,
        f"Version {version} of {canvas.name} runs.",
        as_json=as_json,
        canvas=canvas.name,
        version=version,
        moves=[asdict(one) for one in published.moves],
    )


def _show(
    desk: Desk, canvas: Canvas, draft: Graph, redirects: Redirects, *, as_json: bool
) -> list[Move]:
    """What would change, and where people would go."""
    newest = _version(desk, canvas, None)
    changes = differences(newest.graph, draft)
    moves = publishing.plan(desk.db, desk.workspace, canvas.id, draft, redirects)
    numbers = {one.id: one.number for one in canvases.versions(desk.db, desk.workspace, canvas.id)}
    if as_json:
        output.show_json(
            {"differences": [asdict(one) for one in changes], "moves": [asdict(m) for m in moves]}
        )
        return moves
    if changes:
        _show_changes(changes)
    else:
        output.say(f"The draft is what version {newest.number} is.")
    if moves:
        _show_moves(moves, numbers)
    return moves


def _show_changes(changes: Sequence[Change]) -> None:
    output.show_table(
        ("Place", "", "Was", "Is now"),
        ((one.place, one.kind, _text(one.was), _text(one.now)) for one in changes),
    )


def _show_moves(moves: Sequence[Move], numbers: dict[VersionId, int]) -> None:
    output.show_table(
        ("Version", "Step", "People", "Go to"),
        ((numbers[one.version], one.step, f"{one.people:,}", _way(one)) for one in moves),
    )


def _way(move: Move) -> str:
    if move.how == "stays":
        return "stay there"
    gone = " (their step is gone)" if move.how == "leaves" else ""
    return (move.to or OUT) + gone


def _text(value: object) -> str:
    text = "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= TEXT_CHARS else text[: TEXT_CHARS - 1] + "…"


def _version(desk: Desk, canvas: Canvas, number: int | None) -> Version:
    """That version, or the newest. Raises NotFoundError."""
    found = canvases.versions(desk.db, desk.workspace, canvas.id)
    if not found:
        raise NotFoundError(
            f"{canvas.name} was never launched.",
            remedy=f"`towpath canvas launch {canvas.name!r}` launches it.",
        )
    if number is None:
        return found[-1]
    return canvases.numbered(desk.db, desk.workspace, canvas.id, number)


def _older(desk: Desk, canvas: Canvas, number: int | None) -> Version:
    newest = _version(desk, canvas, None)
    if number is None and newest.number == 1:
        raise NotFoundError(f"{canvas.name} has one version only; there is none before it.")
    return _version(desk, canvas, newest.number - 1 if number is None else number)


def _redirects(given: list[str]) -> dict[StepId, StepId | None]:
    found: dict[StepId, StepId | None] = {}
    for each in given:
        step, equals, target = each.partition("=")
        if not equals or not step or not target:
            raise InputError(
                "A redirect is a step, =, and a step.",
                remedy=f"Write --redirect wait=later, or --redirect wait={OUT}.",
                field="redirect",
            )
        found[StepId(step)] = None if target == OUT else StepId(target)
    return found
