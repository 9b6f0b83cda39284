"""Stories of the pace: how soon people are sent, how many at once, and what throttling does."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage, stage

from towpath.sandbox.rules import Rules
from towpath.store.database import Db
from towpath.store.tallies import Change


@pytest.fixture
def small(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """A stage whose requests carry at most two people."""
    with stage(db, tmp_path, people_per_request_max=2) as found:
        found.connect()
        yield found


def test_a_batch_leaves_five_seconds_after_the_first_arrival(told: Stage) -> None:
    """S040, S043, S052, S053, S069: Ana waits five seconds for others; Bruno, who comes four
    seconds after her, leaves in the same request."""
    began = told.now
    told.people("ana")
    first = told.launch(canvas("One", add=sync()))
    told.wait(seconds=4)
    told.people("bruno")
    told.launch(
        canvas("Two", entry="at: launch, filter: {attribute: external_id, is: bruno}", add=sync())
    )
    told.wait(seconds=0.9)
    assert told.counters(first, "add") == Change(1, 1, pending=1, exited=1)
    assert told.sent() == []
    told.wait(seconds=0.2)
    assert told.counters(first, "add") == Change(1, 1, synced=1, exited=1)
    (request,) = told.sent()
    assert request.people == 2
    assert request.arrived - began.timestamp() <= 5.1


def test_a_full_request_leaves_at_once_and_the_rest_after_five_seconds(small: Stage) -> None:
    """S053: two fill a request, so Ana to Dmitri need not wait; Eva does."""
    small.people("ana", "bruno", "chiara", "dmitri", "eva")
    version = small.launch(canvas(add=sync()))
    small.work()
    assert [request.people for request in small.sent()] == [2, 2]
    assert small.counters(version, "add") == Change(5, 5, synced=4, pending=1, exited=5)
    small.wait(seconds=4.9)
    assert len(small.sent()) == 2
    small.wait(seconds=0.2)
    assert [request.people for request in small.sent()] == [2, 2, 1]


def test_never_more_than_fifty_requests_in_any_second(db: Db, tmp_path: Path) -> None:
    """S052, S054: 130 requests wait at once; none is refused, and the busiest second has 50."""
    with stage(db, tmp_path, people_per_request_max=1) as told:
        told.connect()
        told.people(*(f"person{number}" for number in range(130)))
        version = told.launch(canvas(add=sync()))
        told.wait(seconds=4)
        assert told.counters(version, "add").synced == 130
        assert told.sandbox.log.busiest_second(path="segment/mapping/") == 50
        assert {request.code for request in told.sent()} == {0}


def test_the_operator_may_ask_for_less_than_fifty(db: Db, tmp_path: Path) -> None:
    """S054: at TikTok's Basic level, 10 a second."""
    with stage(db, tmp_path, people_per_request_max=1, requests_per_second=10) as told:
        told.connect()
        told.people(*(f"person{number}" for number in range(25)))
        told.launch(canvas(add=sync()))
        told.wait(seconds=4)
        assert told.sandbox.log.busiest_second(path="segment/mapping/") == 10
        assert len(told.sent()) == 25


def test_never_more_than_ten_thousand_people_in_a_request(told: Stage) -> None:
    """S054: 21,000 people leave in three requests."""
    told.import_people(
        "external_id,email,consent\n"
        + "\n".join(f"p{number},p{number}@example.com,granted" for number in range(21_000))
    )
    version = told.launch(canvas(add=sync()))
    told.wait(seconds=6)
    assert sorted(request.people for request in told.sent()) == [1_000, 10_000, 10_000]
    assert told.counters(version, "add") == Change(21_000, 21_000, synced=21_000, exited=21_000)


def test_a_request_has_at_most_as_many_keys_as_the_connection_says(db: Db, tmp_path: Path) -> None:
    """S054: TikTok's own page counts ids, not people: 100 of them are 50 people with two fields."""
    with stage(db, tmp_path, Rules(ids_per_request=100), keys_per_request_max=100) as told:
        told.connect()
        rows = (f"p{n},p{n}@example.com,+3519{n},granted" for n in range(10_000_000, 10_000_120))
        told.import_people("\n".join(["external_id,email,phone,consent", *rows]))
        told.launch(canvas(add=sync(fields="email, phone")))
        told.wait(seconds=6)
        assert sorted(request.people for request in told.sent()) == [20, 50, 50]
        assert max(request.keys for request in told.sent()) == 100


@pytest.mark.parametrize("fault", ["40100_dropped", "40133_dropped", "60001_dropped"])
def test_throttled_people_stay_pending_and_are_synced_later(told: Stage, fault: str) -> None:
    """S055, S064, S069: TikTok asks to wait; nobody is lost, nobody is in error."""
    told.people("ana", "bruno")
    told.sandbox.next_faults([fault])
    version = told.launch(canvas(add=sync()))
    told.wait(seconds=5.1)
    assert told.counters(version, "add") == Change(2, 2, pending=2, exited=2)
    trouble = told.trouble(version, "add")
    assert trouble is not None
    assert fault[:5] in trouble.reason
    told.wait(minutes=6)
    assert told.counters(version, "add") == Change(2, 2, synced=2, exited=2)
    assert told.trouble(version, "add") is None
    assert told.at_tiktok("winback") == {"ana", "bruno"}


def test_nothing_is_sent_while_a_throttled_app_rests(small: Stage) -> None:
    """S052, S055: the second refusal within a minute makes everybody rest for five minutes."""
    small.people("ana", "bruno", "chiara", "dmitri")
    small.sandbox.next_faults(["40100_dropped"] * 4)
    small.launch(canvas(add=sync()))
    small.wait(minutes=4)
    seen = len(small.sent())
    assert seen < 6
    small.wait(minutes=8)
    gaps = [after.arrived - before.arrived for before, after in pairwise(small.sent())]
    assert max(gaps) >= timedelta(minutes=5).total_seconds()
    assert small.at_tiktok("winback") == {"ana", "bruno", "chiara", "dmitri"}


def test_pending_while_tiktok_has_not_answered(told: Stage) -> None:
    """S064, S079: TikTok takes an hour over what it accepted: the people are synced with its yes,
    and in the audience within the time that it takes."""
    told.sandbox.rules = Rules(ids_per_request=40_000, processing_s=3_600.0)
    told.people("ana", "bruno")
    version = told.launch(canvas(add=sync()))
    told.wait(seconds=3)
    assert told.counters(version, "add").pending == 2
    told.wait(seconds=3)
    assert told.counters(version, "add").synced == 2
    told.wait(hours=1)
    assert told.at_tiktok("winback") == {"ana", "bruno"}
