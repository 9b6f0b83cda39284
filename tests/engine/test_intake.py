"""The intake: what people do lets them in exactly once, and out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.engine.crowd import Crowd, at_once, crowd

from towpath.clock import Instant, seconds
from towpath.engine import intake as intake_module
from towpath.engine.admission import ENTRY
from towpath.engine.entrance import muster
from towpath.engine.intake import Intake
from towpath.engine.looking import Looking
from towpath.people.events import EventKind, EventName, Happening
from towpath.people.people_set import people
from towpath.store import (
    api_entries,
    audit,
    canvases,
    entries,
    entry_contexts,
    events,
    exit_sets,
    tallies,
    waves,
    workspaces,
)
from towpath.store.database import Db
from towpath.store.events import Event

STEPS = "steps: {wait: {kind: delay, for: 1h, next: end}, end: {kind: exit}}"


@dataclass
class Told:
    """A Canvas with the entry `text`, launched in a crowd, whose people do things."""

    crowd: Crowd
    now: Instant
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Intake(self.crowd.db)

    def did(
        self,
        profile: int,
        name: str,
        properties: dict[str, Any] | None = None,
        *,
        at: Instant | None = None,
        kind: EventKind = EventKind.EVENT,
        received: Instant | None = None,
    ) -> None:
        """Somebody did something."""
        text = None if properties is None else msgspec.json.encode(properties).decode()
        with self.crowd.db.transaction():
            workspaces.lock(self.crowd.db, self.crowd.workspace)
            what = Happening(EventName(kind, name), at or self.now, text)
            events.append(
                self.crowd.db, self.crowd.workspace, [Event(profile, what)], received or self.now
            )

    def read(self) -> bool:
        """The intake reads all that waits."""
        worked = False
        while self.intake.tick(self.now):
            worked = True
        return worked

    def inside(self) -> list[set[int]]:
        """Who is inside, by lane."""
        return [set(one) for one in waves.inside(self.crowd.db, self.crowd.canvas)]

    def edges(self) -> dict[str, int]:
        """How many entered, and were refused."""
        found = tallies.read_edges(self.crowd.db, self.crowd.version)
        return {edge: count for (step, edge), count in found.items() if step == ENTRY}


@contextmanager
def told(db: Db, now: Instant, entry: str, count: int = 20) -> Iterator[Told]:
    """At the end all sums must hold."""
    text = f"canvas: Walk\nentry: {{{entry}, first: wait}}\n{STEPS}"
    yield Told(crowd(db, now, count, text), now)
    assert audit.run(db) == []


def test_an_event_lets_in_who_did_it_once(db: Db, now: Instant) -> None:
    with told(db, now, "on: [{event: paid, where: {attribute: total, above: 5}}]") as scene:
        scene.did(1, "paid", {"total": 6})
        scene.did(2, "paid", {"total": 5})
        scene.did(3, "seen")
        scene.read()
        assert scene.inside() == [{1}]
        scene.did(1, "paid", {"total": 7})
        scene.read()
        assert scene.inside() == [{1}]
        assert scene.edges() == {"entered": 1, "refused: inside now": 1}
        assert not scene.read()


def test_four_workers_read_an_event_once(db: Db, database_url: str, now: Instant) -> None:
    with told(db, now, "on: [{event: paid}], reentry: always") as scene:
        for profile in range(20):
            scene.did(profile, "paid")
        at_once(database_url, lambda mine: Intake(mine).tick(now), workers=4)
        scene.read()
        assert scene.inside() == [set(range(20))]
        assert scene.edges() == {"entered": 20}


def test_a_worker_that_dies_on_the_way_leaves_nothing(db: Db, now: Instant) -> None:
    with told(db, now, "on: [{event: paid}]") as scene:
        scene.did(1, "paid")
        with db.transaction(force_rollback=True):
            scene.read()
        assert scene.inside() == []
        scene.read()
        assert scene.inside() == [{1}]


def test_purchases_changes_and_several_triggers(db: Db, now: Instant) -> None:
    entry = "on: [{purchase: any}, {attribute: plan, to: gold}, {consent: granted}]"
    with told(db, now, entry) as scene:
        scene.did(1, "sku", kind=EventKind.PURCHASE)
        scene.did(2, "plan", {"value": "gold", "was": None}, kind=EventKind.CHANGE)
        scene.did(3, "plan", {"value": "silver", "was": None}, kind=EventKind.CHANGE)
        scene.did(4, "consent", {"value": "granted", "was": "unknown"}, kind=EventKind.CHANGE)
        scene.did(5, "sku")
        scene.read()
        assert scene.inside() == [{1, 2, 4}]


def test_several_triggers_of_one_person_in_one_second_are_one_entry(db: Db, now: Instant) -> None:
    with told(db, now, "on: [{event: paid}], reentry: always") as scene:
        scene.did(1, "paid")
        scene.did(1, "paid", at=now + timedelta(milliseconds=900))
        scene.did(1, "paid", at=now + seconds(2))
        scene.read()
        assert scene.inside() == [{1}, {1}]
        scene.did(1, "paid", at=now + seconds(4))  # received within a second of the entry
        scene.read()
        assert scene.inside() == [{1}, {1}]
        scene.now += seconds(2)
        scene.did(1, "paid")
        scene.read()
        assert scene.inside() == [{1}, {1}, {1}]


def test_a_second_between_triggers_is_no_second_of_the_clock(db: Db, now: Instant) -> None:
    """0.9 and 1.1 s are one entry, 0.9 and 1.9 s two, in whatever order they are told."""
    with told(db, now, "on: [{event: paid}], reentry: always") as scene:
        for tenths in (11, 9, 19, 15):
            scene.did(1, "paid", at=now + timedelta(milliseconds=100 * tenths))
        scene.now += seconds(3)
        scene.read()
        assert scene.inside() == [{1}, {1}]


def test_what_happened_too_early_or_is_told_too_late_lets_nobody_in(db: Db, now: Instant) -> None:
    """I-74: out of order is no matter; before the launch, outside the span, a day late is."""
    later = (now + timedelta(hours=30)).isoformat()
    entry = f'on: [{{event: paid}}], end: "{later}"'
    with told(db, now, entry) as scene:
        scene.did(1, "paid", at=now - seconds(1))
        scene.now = now + timedelta(hours=25)
        scene.did(2, "paid", at=now)
        scene.did(3, "paid", at=now + timedelta(hours=2))
        scene.did(4, "paid", at=now + timedelta(hours=1))
        scene.now = now + timedelta(hours=31)
        scene.did(5, "paid")
        scene.did(6, "paid", at=now + timedelta(hours=29))
        scene.read()
        assert scene.inside() == [{3, 4, 6}]


def test_while_it_is_paused_nobody_comes_in_and_who_must_leaves(db: Db, now: Instant) -> None:
    with told(db, now, "on: [{event: paid}], exit_on: [{event: back}]") as scene:
        scene.did(1, "paid")
        scene.read()
        canvases.pause(db, scene.crowd.workspace, scene.crowd.canvas, now)
        scene.did(2, "paid")
        scene.did(1, "back")
        scene.read()
        assert set(exit_sets.waiting(db, scene.crowd.canvas)[0]) == {1}
        canvases.resume(db, scene.crowd.workspace, scene.crowd.canvas, now)
        scene.read()
        assert scene.inside() == [{1}]


def test_what_lets_out_does_so_in_the_order_of_events(db: Db, now: Instant) -> None:
    entry = "on: [{event: paid}], exit_on: [{event: back}], reentry: always"
    with told(db, now, entry) as scene:
        scene.did(1, "back")
        scene.did(1, "paid")
        scene.did(2, "paid")
        scene.did(2, "back")
        scene.read()
        assert scene.inside() == [{1, 2}]
        assert {
            lane: set(one) for lane, one in exit_sets.waiting(db, scene.crowd.canvas).items()
        } == {0: {2}}


def test_a_keyed_entry_is_one_for_each_value(db: Db, now: Instant) -> None:
    entry = "on: [{event: paid}], key: order, context: [total], exit_on: [{event: back}]"
    with told(db, now, entry) as scene:
        for order in ("a", "b", "a", 7):
            scene.did(1, "paid", {"order": order, "total": 3, "card": "secret"})
        scene.did(2, "paid", {"total": 1})
        scene.read()
        assert scene.inside() == [{1}, {1}, {1}]
        assert scene.edges() == {"entered": 3, "refused: without a key": 1}
        canvas = scene.crowd.canvas
        assert sorted(key for _, _, key in entry_contexts.keys(db, canvas, people([1]))) == [
            "7",
            "a",
            "b",
        ]
        assert entry_contexts.read(db, canvas, 1, people([1])) == {1: {"total": 3}}
        scene.did(1, "paid", {"order": "b"})
        scene.did(1, "back", {"order": "b"})
        scene.read()
        assert scene.edges()["refused: inside now"] == 1
        assert {lane: set(one) for lane, one in exit_sets.waiting(db, canvas).items()} == {1: {1}}


def test_a_heavy_context_is_refused(db: Db, now: Instant) -> None:
    with told(db, now, "on: [{event: paid}], context: true") as scene:
        scene.did(1, "paid", {"note": "x" * 60_000})
        scene.did(2, "paid", {"note": "x"})
        scene.read()
        assert scene.edges() == {"entered": 1, "refused: context too large": 1}


def test_limits_and_the_control_group(db: Db, now: Instant) -> None:
    entry = "on: [{event: paid}], limits: {per_hour: 5, total: 8}, control: 50%, reentry: always"
    with told(db, now, entry, count=100) as scene:
        for profile in range(100):
            scene.did(profile, "paid")
        scene.read()
        first = scene.edges()
        assert first["entered"] == 5
        assert first["refused: limit reached"] + first["refused: control group"] == 95
        assert 30 < first["refused: control group"] < 70
        scene.now += timedelta(hours=1)
        for profile in range(100):
            scene.did(profile, "paid")
        scene.read()
        assert scene.edges()["entered"] == 8
        assert scene.edges()["refused: control group"] == 2 * first["refused: control group"]


def test_the_fold_answers_as_the_log_does(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "ENTRY_FOLD_ROWS", 3)
    with told(db, now, "on: [{event: paid}], reentry: {after: 5h}") as scene:
        for hour in range(24):
            scene.now = now + timedelta(hours=hour, minutes=7 * hour % 60)
            scene.did(hour % 6, "paid")
            scene.read()
        canvas, everybody = scene.crowd.canvas, people(range(20))
        log = [(one, members) for one, members in entries.sets(db, scene.crowd.version)]
        assert db.execute("select count(*) from entry_fold").fetchone() != (0,)
        assert entries.entered(db, canvas) == people(range(6))
        assert entries.entered_of(db, canvas, people([1, 9])) == people([1])
        for hour in range(26):
            since = now + timedelta(hours=hour, minutes=20)
            wanted = people(one for at, members in log if at > since for one in members)
            assert entries.entered_since(db, canvas, since, everybody) == wanted


def test_the_api_lets_in_one_by_one_and_all_at_once(db: Db, now: Instant) -> None:
    with told(db, now, "by: api, filter: {attribute: even, is: true}, context: true") as scene:
        place = scene.crowd.workspace, scene.crowd.canvas
        api_entries.write(db, *place, "d1", [(2, '{"a": 1}'), (3, None), (2, None)], now)
        scene.read()
        assert scene.inside() == [{2}]
        assert entry_contexts.read(db, scene.crowd.canvas, 0, people([2])) == {2: {"a": 1}}
        audience = {"attribute": "external_id", "in": ["p4", "p5"]}
        api_entries.write_broadcast(db, *place, "d2", audience, now)
        scene.read()
        assert scene.inside() == [{2, 4}]
        canvases.pause(db, *place, now)
        api_entries.write_broadcast(db, *place, "d3", None, now)
        scene.read()
        assert scene.inside() == [{2, 4}]
        canvases.resume(db, *place, now)
        assert not scene.read()
        assert scene.inside() == [{2, 4}]


def test_batches_make_no_difference(db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "INTAKE_EVENTS_MAX", 3)
    with told(db, now, "on: [{event: paid}]") as scene:
        for profile in range(10):
            scene.did(profile, "seen")
            scene.did(profile, "paid")
        assert scene.read()
        assert scene.inside() == [set(range(10))]


def test_an_exit_filter_lets_out_within_a_minute(db: Db, now: Instant) -> None:
    entry = "at: launch, exit_on: [{filter: {attribute: gone, is: true}}]"
    with told(db, now, entry) as scene:
        muster(db, canvases.version(db, scene.crowd.version), None, now)
        canvases.mark_entered(db, scene.crowd.version)
        looking = Looking(db)
        looking.tick(now)
        db.execute("update profile set attributes = '{\"gone\": true}' where number = 3")
        looking.tick(now + seconds(30))
        assert exit_sets.waiting(db, scene.crowd.canvas) == {}
        looking.tick(now + seconds(60))
        assert exit_sets.waiting(db, scene.crowd.canvas) == {0: people([3])}


def test_an_exit_filter_that_cannot_be_asked_stops_no_other(db: Db, now: Instant) -> None:
    """It names a Canvas that was renamed since."""
    entry = "at: launch, exit_on: [{filter: {canvas: Gone, entered: ever}}]"
    crowd(db, now, 0, f"canvas: First\nentry: {{{entry}, first: wait}}\n{STEPS}")
    entry = "at: launch, exit_on: [{filter: {attribute: even, is: true}}]"
    with told(db, now, entry) as scene:
        muster(db, canvases.version(db, scene.crowd.version), None, now)
        Looking(db).tick(now)
        assert exit_sets.waiting(db, scene.crowd.canvas) == {0: people(range(0, 20, 2))}


def test_what_lay_hours_apart_is_not_one_because_it_is_read_together(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage two batches are read within a second; their events are an hour apart."""
    monkeypatch.setattr(intake_module, "INTAKE_EVENTS_MAX", 1)
    with told(db, now, "on: [{event: paid}], reentry: always") as scene:
        scene.now = now + timedelta(hours=2)
        scene.did(1, "paid", at=now, received=now)
        scene.did(1, "paid", at=now + timedelta(hours=1), received=now + timedelta(hours=1))
        scene.read()
        assert scene.edges() == {"entered": 2}


def test_who_comes_back_within_a_batch_is_in_once(db: Db, now: Instant) -> None:
    """In, out, and in again: the first entry is to leave, the second stays."""
    entry = "on: [{event: in}], exit_on: [{event: out}], reentry: always"
    with told(db, now, entry) as scene:
        scene.now = now + timedelta(minutes=1)
        for second, name in ((0, "in"), (5, "out"), (10, "in")):
            scene.did(1, name, at=now + timedelta(seconds=second))
        scene.read()
        assert scene.inside() == [{1}, {1}]
        assert set(exit_sets.waiting(db, scene.crowd.canvas)[0]) == {1}
        assert not exit_sets.leaving(db, scene.crowd.canvas, 1, people([1]))
