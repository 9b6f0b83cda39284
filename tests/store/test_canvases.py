"""Canvases in the store: drafts and their revisions, launches, states, frozen versions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from towpath.canvas.frozen import freeze
from towpath.canvas.graph import Graph, to_data
from towpath.canvas.parse import parse_canvas
from towpath.clock import Instant
from towpath.errors import ConflictError, InputError, NotFoundError
from towpath.ids import AudienceId, CanvasId, StepId, VersionId, WorkspaceId
from towpath.people.filter import Not
from towpath.people.filter_parse import parse_filter
from towpath.store import canvases, segments, workspaces
from towpath.store.canvases import CanvasState
from towpath.store.database import Db, connect

DRAFT = parse_canvas("""
canvas: Winback 🚀
entry: {at: launch, first: wait}
steps:
  wait: {kind: delay, for: 5s, next: add}
  add:
    kind: audience_sync
    partner: tiktok
    ad_account: "7000000000000000001"
    audience: {create: winback}
    fields: [email]
    next: again
  again: {kind: delay, for: 1d}
""")
AUDIENCES = {StepId("add"): AudienceId(7)}
HOUR = timedelta(hours=1)


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    return workspaces.ensure_default(db, now).id


@pytest.fixture
def canvas(db: Db, workspace: WorkspaceId, now: Instant) -> CanvasId:
    return canvases.create(db, workspace, DRAFT, now)


def launch(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant, revision: int = 1
) -> VersionId:
    return canvases.launch(db, workspace, canvas, revision=revision, audiences=AUDIENCES, now=now)


def named(name: str) -> Graph:
    return replace(DRAFT, name=name)


def test_a_draft_is_kept_as_it_was(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    found = canvases.read(db, workspace, canvas)
    assert found.draft == DRAFT
    assert list(to_data(found.draft)["steps"]) == ["wait", "add", "again"]
    assert (found.state, found.revision, found.created_at) == (CanvasState.DRAFT, 1, now)
    assert canvases.find(db, workspace, "Winback 🚀") == found
    assert canvases.find(db, workspace, "winback") is None
    half = canvases.create(db, workspace, parse_canvas("canvas: Half"), now)
    assert [one.id for one in canvases.list_all(db, workspace)] == [half, canvas]


def test_a_canvas_of_another_workspace_does_not_exist(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    stranger = WorkspaceId(workspace + 1)
    for ask in (
        lambda: canvases.read(db, stranger, canvas),
        lambda: launch(db, stranger, canvas, now),
        lambda: canvases.pause(db, stranger, canvas, now),
        lambda: canvases.save_draft(db, stranger, canvas, DRAFT, revision=1, now=now),
    ):
        with pytest.raises(NotFoundError):
            ask()
    assert canvases.list_all(db, stranger) == []
    with pytest.raises(NotFoundError):
        canvases.version(db, VersionId(1))


def test_two_editors_do_not_overwrite_each_other(  # D52
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    later = now + HOUR
    saved = canvases.save_draft(db, workspace, canvas, named("New"), revision=1, now=later)
    assert saved == 2
    with pytest.raises(ConflictError, match="at revision 2 now; you read revision 1"):
        canvases.save_draft(db, workspace, canvas, named("Mine"), revision=1, now=later)
    found = canvases.read(db, workspace, canvas)
    assert (found.name, found.draft.name, found.changed_at) == ("New", "New", later)


def test_a_name_is_taken_once(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    with pytest.raises(ConflictError, match="named Winback"):
        canvases.create(db, workspace, DRAFT, now)
    other = canvases.create(db, workspace, named("Other"), now)
    with pytest.raises(ConflictError, match="named Winback"):
        canvases.save_draft(db, workspace, other, DRAFT, revision=1, now=now)
    assert canvases.read(db, workspace, other).name == "Other"


def test_a_canvas_that_a_filter_names_keeps_its_name(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    """Renamed it would leave the filter naming nothing; who names it is told."""
    own = replace(DRAFT, steps={})
    tree = parse_filter({"canvas": DRAFT.name, "entered": "ever"}, "filter")
    named = replace(own, name="Other", entry=replace(DRAFT.entry, filter=tree))
    other = canvases.create(db, workspace, named, now)
    segment = segments.create(db, workspace, "been", Not(tree), now)
    renamed = replace(own, name="Spring")
    with pytest.raises(ConflictError, match="used by Canvas Other, segment been"):
        canvases.save_draft(db, workspace, canvas, renamed, revision=1, now=now)
    segments.delete(db, workspace, segment.id)
    unnamed = replace(named, entry=replace(DRAFT.entry, filter=None))
    canvases.save_draft(db, workspace, other, unnamed, revision=1, now=now)
    assert canvases.save_draft(db, workspace, canvas, renamed, revision=1, now=now) == 2
    again = replace(named, entry=replace(DRAFT.entry, filter=None), name="Third")
    assert canvases.save_draft(db, workspace, other, again, revision=2, now=now) == 3


def test_a_launched_version_never_changes(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    version = launch(db, workspace, canvas, now)
    launched = canvases.version(db, version)
    assert launched.graph == freeze(DRAFT, AUDIENCES)
    assert (launched.number, launched.launched_at, launched.enter_at) == (1, now, now)
    canvases.save_draft(db, workspace, canvas, named("Edited"), revision=1, now=now + HOUR)
    canvases.pause(db, workspace, canvas, now + HOUR)
    canvases.resume(db, workspace, canvas, now + HOUR)
    assert canvases.version(db, version) == launched
    canvases.stop(db, workspace, canvas, now + HOUR)
    second = launch(db, workspace, canvas, now + 2 * HOUR, revision=2)
    assert canvases.version(db, version) == replace(launched, enter_at=None)
    found = canvases.versions(db, workspace, canvas)
    assert [(one.id, one.number, one.graph.name) for one in found] == [
        (version, 1, "Winback 🚀"),
        (second, 2, "Edited"),
    ]


def test_a_launch_needs_the_draft_that_was_read_and_its_audiences(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    with pytest.raises(ConflictError, match="revision"):
        launch(db, workspace, canvas, now, revision=2)
    with pytest.raises(InputError) as refused:
        canvases.launch(db, workspace, canvas, revision=1, audiences={}, now=now)
    assert refused.value.field == "steps.add.audience"
    half = canvases.create(db, workspace, parse_canvas("canvas: Half"), now)
    with pytest.raises(InputError, match="where people enter"):
        launch(db, workspace, half, now)
    assert canvases.versions(db, workspace, canvas) == []
    assert canvases.read(db, workspace, canvas).state is CanvasState.DRAFT


def test_two_launches_at_once_give_one_run(
    db: Db, database_url: str, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    def try_it(_: int) -> str:
        with connect(database_url) as mine:
            try:
                launch(mine, workspace, canvas, now)
            except ConflictError as refused:
                return refused.message
            return ""

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(try_it, range(4)))
    assert said == ["", *["Winback 🚀 is running, so it cannot be launched."] * 3]
    assert len(canvases.versions(db, workspace, canvas)) == 1


Act = Callable[[Db, WorkspaceId, CanvasId, Instant], object]
ACTS: dict[str, Act] = {
    "launch": launch,
    "pause": canvases.pause,
    "resume": canvases.resume,
    "stop": canvases.stop,
}
STATES = {
    CanvasState.DRAFT: ((), {"launch": CanvasState.RUNNING}),
    CanvasState.RUNNING: (
        ("launch",),
        {"pause": CanvasState.PAUSED, "stop": CanvasState.STOPPED},
    ),
    CanvasState.PAUSED: (
        ("launch", "pause"),
        {"resume": CanvasState.RUNNING, "stop": CanvasState.STOPPED},
    ),
    CanvasState.STOPPED: (("launch", "stop"), {"launch": CanvasState.RUNNING}),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", STATES)
def test_each_act_in_each_state(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant, state: CanvasState, act: str
) -> None:
    way, possible = STATES[state]
    for before in way:
        ACTS[before](db, workspace, canvas, now)
    if act in possible:
        ACTS[act](db, workspace, canvas, now)
    else:
        with pytest.raises(ConflictError) as refused:
            ACTS[act](db, workspace, canvas, now)
        assert refused.value.remedy
    assert canvases.read(db, workspace, canvas).state is possible.get(act, state)


def due(db: Db, now: Instant) -> list[VersionId]:
    return [version.id for version in canvases.versions_to_enter(db, now)]


def test_people_enter_once_when_the_time_has_come(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    entry = replace(DRAFT.entry, at=now + 2 * HOUR)
    planned = canvases.create(db, workspace, replace(DRAFT, name="Later", entry=entry), now)
    later = launch(db, workspace, planned, now)
    first = launch(db, workspace, canvas, now)
    assert due(db, now) == [first]
    assert canvases.mark_entered(db, first)
    assert not canvases.mark_entered(db, first)
    assert due(db, now + HOUR) == []
    assert due(db, now + 2 * HOUR) == [later]
    canvases.pause(db, workspace, planned, now)
    assert due(db, now + 3 * HOUR) == []
    canvases.resume(db, workspace, planned, now)
    assert due(db, now + 3 * HOUR) == [later]
    canvases.stop(db, workspace, planned, now)
    assert due(db, now + 3 * HOUR) == []


def test_a_version_to_enter_is_one_workers(
    db: Db, database_url: str, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    version = launch(db, workspace, canvas, now)
    with connect(database_url) as other, db.transaction():
        assert due(db, now) == [version]
        with other.transaction():
            assert due(other, now) == []
        canvases.mark_entered(db, version)
    assert due(db, now) == []
