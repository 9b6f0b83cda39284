"""Stray keys: whoever goes is followed out of every audience, to the last open window."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage, stage

from towpath.errors import NotFoundError
from towpath.ids import PartnerRef
from towpath.ledger.events import Arrived
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import people
from towpath.store import audiences, ledgers, stray_keys, stray_receipts, workspaces
from towpath.store.database import Db
from towpath.store.stray_keys import Reason
from towpath.store.stray_receipts import Receipt


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """A connected workspace; what TikTok accepts takes effect within a minute."""
    with stage(db, tmp_path, processing_s=60, acceptance_s=5) as found:
        found.connect()
        yield found


def turn(told: Stage, *members: int, withdrawn: bool = True) -> int:
    """These people opt out."""
    with told.db.transaction():
        workspaces.lock(told.db, told.workspace)
        if withdrawn:
            out = "update profile set consent = 2 where number = any(%s)"
            told.db.execute(out, (list(members),))
        found = people(members)
        return stray_keys.turn_all(told.db, told.workspace, found, Reason.OPT_OUT, told.now)


def traced(told: Stage, stray: int) -> Receipt:
    """What became of it."""
    return stray_receipts.trace(told.db, told.workspace, stray)


def test_requested_and_then_confirmed(told: Stage) -> None:
    """Confirmed only after the add's window, and after the removal that is repeated at its end."""
    told.people("ana", "bia")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    stray = turn(told, 0)
    (trace,) = traced(told, stray).traces
    assert (trace.state, trace.members, trace.removals) == ("due", people([0]), ())
    told.wait(seconds=10)
    (trace,) = traced(told, stray).traces
    assert trace.state == "requested"
    (removal,) = trace.removals
    assert removal.partner_request_ref
    assert removal.people == 1
    assert told.at_tiktok("winback") == {"bia"}
    told.wait(seconds=200)
    found = traced(told, stray)
    (trace,) = found.traces
    assert (trace.state, len(trace.removals)) == ("confirmed", 2)
    assert found.ended_at is not None


def test_who_was_in_flight_goes_after_the_answer(told: Stage) -> None:
    told.people("ana")
    version = told.launch(canvas(add=sync()))
    while not told.sender.tick(told.now):
        told.now += timedelta(seconds=5)
        for service in told.services:
            service.tick(told.now)
    told.sender.outbox.clear()  # the worker is gone; the lease will end
    stray = turn(told, 0)
    told.wait(minutes=5)
    assert traced(told, stray).traces[0].state == "confirmed"
    assert told.at_tiktok("winback") == set()
    assert told.counters(version, "add").pending == 0


def test_a_key_that_somebody_wanted_holds_goes_too(told: Stage) -> None:
    """An opt-out of either removes it (I-28)."""
    rows = ("ana,family@example.com,granted", "bia,family@example.com,granted")
    told.import_people("\n".join(["external_id,email,consent", *rows]))
    told.launch(canvas(add=sync()))
    told.wait(seconds=20)
    assert told.sandbox.members(told.audience_ref("winback"))["email"]
    turn(told, 0)
    told.wait(seconds=200)
    assert not told.sandbox.members(told.audience_ref("winback")).get("email")


def test_earlier_keys_of_theirs_are_followed(told: Stage) -> None:
    told.people("ana")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    told.import_people("external_id,email\nana,new@example.com")
    stray = turn(told, 0)
    assert len(traced(told, stray).members) == 2
    told.wait(seconds=200)
    assert traced(told, stray).traces[0].state == "confirmed"
    assert told.at_tiktok("winback") == set()


def test_of_another_workspace_there_is_none(told: Stage) -> None:
    told.people("ana")
    stray = turn(told, 0)
    elsewhere = workspaces.create(told.db, "elsewhere", told.now).id
    with pytest.raises(NotFoundError):
        stray_receipts.trace(told.db, elsewhere, stray)


def test_ten_thousand_people_leave_forty_audiences(told: Stage) -> None:
    """Sets, whatever their size: a fraction of a second."""
    told.people("ana")
    told.apply(canvas(add=sync()))
    everybody = people(range(10_000))
    (first,) = audiences.list_all(told.db, told.workspace)
    for place in range(40):
        audience = audiences.ensure(
            told.db, told.workspace, first.ad_account, PartnerRef(f"7{place:018}"), f"a{place}",
            created_here=True, now=told.now,
        )  # fmt: skip
        with told.db.transaction():
            ledger = ledgers.lock(told.db, audience)
            ledgers.open_people(told.db, ledger, everybody)
            came = Arrived(Action.ADD, (MatchField.EMAIL,), everybody)
            ledgers.record(ledger, came)
            ledger.state.of(MatchField.EMAIL).acked |= everybody
            ledger.head.log_people = 1_000_000  # fold now
            ledgers.close(told.db, ledger, told.now)
    before = time.monotonic()
    stray = turn(told, *everybody, withdrawn=False)
    spent = time.monotonic() - before
    assert len(traced(told, stray).traces) == 40
    assert spent < 5, f"{spent:.2f} s"
    told.db.execute("delete from stray_audience")
    told.db.execute("delete from ledger_mark")
    told.db.execute("delete from ledger_shard")
    told.db.execute("delete from audience where name <> 'winback'")
