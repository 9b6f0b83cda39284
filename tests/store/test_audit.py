"""The audit is silent on a world that the engine made, and names every damage done to it.

One world is lived in once and copied for each damage, which is done by SQL behind the engine's
back. Every check is shown to fail.
"""

# ruff: noqa: S608 - the tests' own words, put together

from collections.abc import Iterator
from contextlib import closing
from random import Random
from typing import Any

import psycopg
import pytest
from tests.store.audit_damages import APPLIED, sql
from tests.store.audit_damages import DAMAGES as OF_LEDGERS
from tests.store.audit_journey import travel
from tests.store.audit_journey_damages import DAMAGES as OF_JOURNEYS
from tests.store.audit_world import APPLIED as APPLIED_ANSWER
from tests.store.audit_world import (
    FIRST_NUMBER,
    HOUR,
    LATER,
    OTHERS,
    PEOPLE,
    REFUSED,
    SECOND,
    UNKNOWN,
    WINBACK,
    World,
    lived_in,
    open_world,
)

from towpath.clock import Instant
from towpath.engine import advance, entrance
from towpath.limits import AUDIT_FINDINGS_MAX
from towpath.store import audit, audit_counters
from towpath.store.audit import CHECKS, Finding
from towpath.store.audit_findings import Audit
from towpath.store.database import Db, connect
from towpath.store.embedded import Server

WORLD = "world_to_audit"
DAMAGES = OF_LEDGERS | OF_JOURNEYS


@pytest.fixture(scope="module")
def world(server: Server, template: str, now: Instant) -> Iterator[str]:
    """The name of a database with a world that was lived in."""
    with connect(server.url) as db:
        db.execute(f"create database {WORLD} template {template}".encode())
        with closing(connect(server.url_of(WORLD))) as inside:
            travel(lived_in(inside, now))
        yield WORLD
        db.execute(f"drop database {WORLD} with (force)".encode())


@pytest.fixture
def lived(server: Server, world: str) -> Iterator[Db]:
    """A copy of that world, to be damaged."""
    with connect(server.url) as db:
        db.execute(f"create database damaged template {world} strategy file_copy".encode())
        with closing(connect(server.url_of("damaged"))) as inside:
            yield inside
        db.execute(b"drop database damaged with (force)")


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_named(lived: Db, name: str) -> None:
    damage, check, words = DAMAGES[name]
    damage(lived)
    found = audit.run(lived)
    assert any(one.check.name == check and words in str(one) for one in found), "\n".join(
        f"{one.check.name}: {one}" for one in found
    )


def test_every_check_is_shown_to_fail() -> None:
    assert {check.name for check in CHECKS} == {check for _, check, _ in DAMAGES.values()}


REQUEST_STATES = {
    "answered_at = null": "nobody knows when",
    "seq = null": "it was answered, and has no number",
    "retry_at = lease_until": "and did not fail",
    "window_end = null": "it may still take effect, and has no window",
    "window_end = started_at - interval '1 day'": "its window ends before it begins",
    "state = 'in flight'": "it is in flight, and has a number",
    "state = 'in flight', seq = null": "it is in flight, and has an answer's time",
    "state = 'refused'": "it can take effect no more, and has a window",
}


@pytest.mark.parametrize("change", REQUEST_STATES)
def test_states_of_requests_fit(lived: Db, change: str) -> None:
    sql(f"update request set {change} where {APPLIED}")(lived)
    found = [str(one) for one in audit.run(lived) if one.check.name == "requests"]
    assert any(REQUEST_STATES[change] in one for one in found), found


def test_a_world_the_engine_made_is_clean(lived: Db) -> None:
    report = audit.examine(lived)
    assert told(report.findings) == []
    assert all(report.checked.values()), "something was not looked at"


def test_an_empty_database_is_clean(db: Db) -> None:
    assert told(audit.run(db)) == []


class Watched(World):
    """A world that is audited after everything that anybody does."""

    def walk(self) -> None:
        super().walk()
        assert told(audit.run(self.db)) == []

    def land(self, count: int) -> None:
        for _ in range(count):
            super().land(1)
            assert told(audit.run(self.db)) == []


def test_every_moment_is_clean(db: Db, now: Instant) -> None:
    plain = open_world(db, now)
    world = Watched(db, now, plain.workspace, plain.audiences)
    world.launch(WINBACK)
    world.launch(OTHERS)
    world.pass_by(world.windows.flush)
    world.pass_by(world.windows.give_up)


@pytest.mark.parametrize("seed", [20, 21])
def test_a_life_at_random_is_clean(db: Db, now: Instant, seed: int) -> None:
    """Answers of every kind in any order, leases that end, Canvases stopped, keys that go."""
    chance = Random(seed)
    world = open_world(db, now)
    drafts = (WINBACK, OTHERS, LATER)
    for draft in drafts:
        world.launch(draft)
    world.answer = lambda _: chance.choice((APPLIED_ANSWER, UNKNOWN, REFUSED))
    for _ in range(30):
        match chance.randrange(6):
            case 0:
                world.again(chance.choice(drafts))
            case 1:
                lost = (FIRST_NUMBER + chance.randrange(PEOPLE),)
                db.execute("delete from match_key where profile = %s", lost)
                db.execute("delete from shared_key where profile = %s", lost)
            case 2:
                world.walk()
                world.land(chance.randrange(len(world.claim()) + 1))
            case 3:
                world.sender.outbox.clear()
                world.pass_by(2 * world.windows.lease)
            case _:
                world.pass_by(chance.choice((SECOND, HOUR / 3, HOUR, 14 * HOUR)))
        assert told(audit.run(db)) == []


def test_any_flipped_bit_of_a_shard_is_found(lived: Db) -> None:
    flip_and_find(lived, "ledger_shard", ("want", "acked", "maybe", "parked", "keyless"))


def test_any_flipped_bit_of_an_arrival_is_found(lived: Db) -> None:
    flip_and_find(lived, "arrival", ("members", "waiting"))


def flip_and_find(db: Db, table: str, columns: tuple[str, ...]) -> None:
    chance = Random(7)
    for _ in range(25):
        column = chance.choice(columns)
        chosen = f"select ctid::text, {column} from {table} where length({column}) > 8"
        rows = db.execute(chosen.encode()).fetchall()
        if not rows:
            continue
        where, packed = chance.choice(rows)
        bit = chance.randrange(len(packed) * 8)
        flipped = f"set_bit({column}, {bit}, 1 - get_bit({column}, {bit}))"
        update = (
            f"update {table} set {column} = {flipped} where ctid = '{where}' returning ctid::text"
        )
        moved = db.execute(update.encode()).fetchone()
        assert audit.run(db), f"bit {bit} of {column}"
        again = f"update {table} set {column} = %b where ctid = %s"
        db.execute(again.encode(), (packed, *(moved or ())))


def test_it_looks_at_one_moment_while_others_write(lived: Db) -> None:
    def others_write(_: Audit) -> None:
        lived.execute("select count(*) from tally")
        with closing(connect(lived.info.dsn)) as other:
            other.execute("update tally set entered = entered + 1")

    assert told(audit.run(lived, (others_write, *audit.PARTS))) == []
    assert told(audit.run(lived)) != []


def test_it_only_looks(lived: Db) -> None:
    def write(under_way: Audit) -> None:
        under_way.db.execute("delete from wave")

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        audit.run(lived, (write,))


def test_endless_findings_are_counted(lived: Db) -> None:
    lived.execute(
        "insert into resend (audience, action, fields, members, due_at)"
        " select 1, 0, 1, '', '2026-03-01Z' from generate_series(1, 150)"
    )
    report = audit.examine(lived)
    (sets,) = (check for check in CHECKS if check.name == "sets")
    assert report.count(sets) == 150
    assert sum(one.check is sets for one in report.findings) == AUDIT_FINDINGS_MAX


def test_arrows_have_the_engines_names() -> None:
    assert audit_counters.ENTRY == entrance.ENTRY
    assert audit_counters.LEFT == advance.LEAVES


def told(findings: list[Finding]) -> list[Any]:
    return [f"{one.check.name}: {one}" for one in findings]
