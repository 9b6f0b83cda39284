"""Whoever is merged, deleted or erased while others are being let in goes from wherever they stand
in the end: a parting waits for open entrances, and they for it (store/workspaces.py, the gate)."""

import threading
from collections.abc import Callable
from random import Random

import psycopg
from tests.engine.crowd import Crowd, crowd

from towpath.api.trigger import TriggerSend, _Call
from towpath.cli.compose import windows
from towpath.clock import Instant
from towpath.engine.entrance import Entrance
from towpath.engine.intake import Intake
from towpath.engine.webhooks import Webhooks
from towpath.people.events import EventKind, EventName, Happening
from towpath.people.people_set import PeopleSet, people, union
from towpath.settings import Settings
from towpath.store import (
    canvases,
    database,
    deletions,
    events,
    exit_sets,
    merges,
    waves,
    workspaces,
)
from towpath.store.database import Db
from towpath.store.events import Event
from towpath.store.secrets import KeyRing

BY_EVENT = """
canvas: Walk
entry: {on: [{event: paid}], first: wait}
steps: {wait: {kind: delay, for: 1h, next: end}, end: {kind: exit}}
"""
BY_API = BY_EVENT.replace("on: [{event: paid}]", "by: api")
CALLS = """
canvas: Call
entry: {at: launch, first: call}
steps:
  call: {kind: webhook, url: "https://example.com/", next: done, failed: done}
  done: {kind: delay, for: 1d}
"""


def begin(url: str, work: Callable[[Db], object]) -> Callable[[], None]:
    """Let another connection begin this, which must have to wait; gives what waits for its end."""
    failed: list[psycopg.Error] = []

    def run() -> None:
        try:
            with database.connect(url) as db:
                work(db)
        except psycopg.Error as error:
            failed.append(error)

    other = threading.Thread(target=run)
    other.start()
    other.join(0.3)
    assert other.is_alive()

    def end() -> None:
        other.join(20)
        assert not other.is_alive()
        assert not failed

    return end


def named(db: Db, name: str) -> int:
    row = db.execute("select number from profile where external_id = %s", (name,)).fetchone()
    assert row is not None
    return int(row[0])


def pays(db: Db, found: Crowd, who: int, now: Instant) -> None:
    paid = Happening(EventName(EventKind.EVENT, "paid"), now, None)
    with db.transaction():
        workspaces.lock(db, found.workspace)
        events.append(db, found.workspace, [Event(who, paid)], now)


def inside(found: Crowd) -> PeopleSet:
    """Who stands in the Canvas and is not about to leave it."""
    there = union(waves.inside(found.db, found.canvas))
    leaving = exit_sets.waiting(found.db, found.canvas)
    return there - union([people(), *leaving.values()])


def test_a_deletion_waits_for_an_open_entrance(db: Db, database_url: str, now: Instant) -> None:
    found = crowd(db, now, 10, CALLS)
    gone = named(db, "p1")
    with db.transaction():
        Entrance(db).tick(now)
        end = begin(
            database_url,
            lambda other: deletions.delete(other, found.workspace, people([gone]), now),
        )
    end()
    assert gone not in inside(found)
    hooks = Webhooks(db, KeyRing({"test": bytes(32)}, "test"), windows(Settings()), Random(1))
    batch = hooks.take(now)
    assert batch is not None
    assert {call.profile for call in batch.calls} == {
        named(db, f"p{n}") for n in range(10) if n != 1
    }


def test_a_merge_waits_for_the_intake(db: Db, database_url: str, now: Instant) -> None:
    found = crowd(db, now, 10, BY_EVENT)
    absorbed, survivor = named(db, "p1"), named(db, "p2")
    pays(db, found, absorbed, now)
    with db.transaction():
        Intake(db).tick(now)
        end = begin(
            database_url,
            lambda other: merges.merge(other, found.workspace, [(absorbed, survivor)], now),
        )
    end()
    assert absorbed not in inside(found)


def test_a_merge_waits_for_a_call_that_names_people(
    db: Db, database_url: str, now: Instant
) -> None:
    found = crowd(db, now, 10, BY_API)
    absorbed, survivor = named(db, "p1"), named(db, "p2")
    body = TriggerSend.model_validate(
        {"canvas_name": "Walk", "recipients": [{"external_user_id": "p1"}]}
    )
    with db.transaction():
        canvas = canvases.find(db, found.workspace, "Walk")
        assert canvas is not None
        assert _Call(db, found.workspace, body, now).send(canvas).recipients_accepted == 1
        end = begin(
            database_url,
            lambda other: merges.merge(other, found.workspace, [(absorbed, survivor)], now),
        )
    end()
    Intake(db).tick(now)
    assert inside(found) == people([survivor])
