"""The intake's batches: what came first is read first, however much waits, and wherever."""

from typing import Any

import pytest
from tests.engine.test_intake import told

from towpath.clock import Instant
from towpath.engine import intake as intake_module
from towpath.ids import WorkspaceId
from towpath.people.people_set import people, union
from towpath.store import api_entries, exit_sets, intakes, waves, workspaces
from towpath.store.database import Db


def test_calls_of_the_api_and_events_keep_their_order(db: Db, now: Instant) -> None:
    """Who cancelled and then was called in stays; who was called in and then cancelled does not."""
    entry = "by: api, exit_on: [{event: cancelled}], reentry: always"
    with told(db, now, entry) as scene:

        def called(who: int) -> None:
            api_entries.write(
                db, scene.crowd.workspace, scene.crowd.canvas, "d", [(who, None)], now
            )

        scene.did(1, "cancelled")
        called(1)
        called(2)
        scene.did(2, "cancelled")
        scene.read()
        leaving = union(exit_sets.waiting(db, scene.crowd.canvas).values())
        assert union(waves.inside(db, scene.crowd.canvas)) - leaving == people([1])


def test_neither_is_read_ahead_of_the_other(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "INTAKE_EVENTS_MAX", 3)
    with told(db, now, "by: api, exit_on: [{event: cancelled}], reentry: always") as scene:
        place = (db, scene.crowd.workspace, scene.crowd.canvas, "d")
        for who in range(1, 8):
            scene.did(who, "cancelled")
        api_entries.write(*place, [(who, None) for who in range(1, 15)], now)
        for who in range(8, 15):
            scene.did(who, "cancelled")
        scene.read()
        leaving = union(exit_sets.waiting(db, scene.crowd.canvas).values())
        assert union(waves.inside(db, scene.crowd.canvas)) - leaving == people(range(1, 8))


def test_a_batch_is_bounded_by_bytes_too(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "INTAKE_BYTES_MAX", 100)
    with told(db, now, "on: [{event: paid}]") as scene:
        for who in range(6):
            scene.did(who, "paid", {"note": f"{who}" * 90})
        assert scene.intake.tick(now)
        assert scene.inside() == [{0}]
        scene.read()
        assert scene.inside() == [set(range(6))]


def test_a_workspace_that_cannot_be_read_holds_up_no_other(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with told(db, now, "on: [{event: paid}]") as scene:
        broken = workspaces.create(db, "broken", now).id
        scene.did(1, "paid")
        waiting = [broken, scene.crowd.workspace]
        monkeypatch.setattr(intakes, "waiting", lambda _db: waiting)
        real = intakes.read

        def read(db: Db, workspace: WorkspaceId, *more: Any) -> intakes.Batch:
            if workspace == broken:
                raise ValueError("not readable")
            return real(db, workspace, *more)

        intakes.begin(db, broken, now)
        monkeypatch.setattr(intakes, "read", read)
        with pytest.raises(ValueError, match="not readable"):
            scene.intake.tick(now)
        assert scene.inside() == [{1}]
