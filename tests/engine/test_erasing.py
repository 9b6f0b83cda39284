"""Whoever is erased leaves every audience, and does not come back (I-55, I-56)."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from tests.engine.test_changed_keys import hashed, held, mails
from tests.store.people import Person, batch
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage, stage

from towpath.people.match_field import MatchField
from towpath.store import erasures, profiles, tombstones
from towpath.store.database import Db
from towpath.store.tombstones import Identity


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """An empty workspace that is connected to TikTok; TikTok takes up to five seconds."""
    with stage(db, tmp_path, processing_s=5, acceptance_s=5) as found:
        found.connect()
        yield found


def erase(told: Stage, *names: str) -> int:
    """Erase these people; gives the receipt's id."""
    return erasures.erase(told.db, told.workspace, names, "test", told.now).id


def keys(told: Stage) -> int:
    """How many people we hold keys of."""
    row = told.db.execute("select count(*) from match_key where email is not null").fetchone()
    assert row is not None
    return int(row[0])


def test_a_receipt_goes_from_requested_to_confirmed(told: Stage) -> None:
    mails(told, ana="ana", bia="bia")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    receipt = erase(told, "ana", "nobody")
    begun = erasures.read(told.db, told.workspace, receipt)
    assert (begun.people, begun.unknown, begun.state) == (1, 1, "due")
    states = [begun.state]
    for _ in range(60):
        told.wait(seconds=1)
        states.append(erasures.read(told.db, told.workspace, receipt).state)
    assert list(dict.fromkeys(states)) in (
        ["due", "requested", "confirmed"],
        ["due", "confirmed"],
    )
    assert held(told) == hashed("bia@example.com")
    done = erasures.read(told.db, told.workspace, receipt)
    assert done.receipt is not None
    assert [one["name"] for one in done.receipt] == ["winback"]
    assert done.receipt[0]["requests"][0]["request_id"]
    assert keys(told) == 1


def test_whoever_shares_the_address_loses_it(told: Stage) -> None:
    mails(told, ana="us", bia="us", carla="carla")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    receipt = erase(told, "ana")
    told.wait(minutes=2)
    assert held(told) == hashed("carla@example.com")
    done = erasures.read(told.db, told.workspace, receipt)
    assert (done.others, done.state) == (1, "confirmed")
    assert keys(told) == 1


def test_nothing_of_theirs_comes_back(told: Stage) -> None:
    """Not under the same name, nor under another with the same address; others still do."""
    mails(told, ana="ana")
    erase(told, "ana")
    new = [
        profiles.upsert(told.db, told.workspace, batch(one), told.now)
        for one in (
            Person("ana"),
            Person("dora", mail="ana@example.com"),
            Person("bia", mail="bia@example.com"),
            Person("bia", mail="ana@example.com"),
            Person("bia", country="BR"),
        )
    ]
    assert [(done.people, len(done.refused)) for done in new] == [
        (0, 1),
        (0, 1),
        (1, 0),
        (0, 1),
        (1, 0),
    ]
    asked = [Identity.named("ana"), Identity(MatchField.EMAIL, sha256(b"ana@example.com").digest())]
    assert tombstones.erased(told.db, told.workspace, asked) == set(asked)
    assert tombstones.lift(told.db, told.workspace, asked) == 2
    again = profiles.upsert(
        told.db, told.workspace, batch(Person("ana", mail="ana@example.com")), told.now
    )
    assert again.new == 1
