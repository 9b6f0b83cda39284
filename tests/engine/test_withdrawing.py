"""Whoever withdraws consent leaves every audience, and comes back when they grant it (I-58)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_changed_keys import hashed, held, mails, open_strays, people_file
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage, stage

from towpath.api.people import of as whereabouts_of
from towpath.engine import courier
from towpath.engine.claim import Claimed
from towpath.engine.courier import Answered
from towpath.partners.protocol import Answer, AnswerKind, Cause
from towpath.partners.registry import PARTNERS
from towpath.people.people_set import people
from towpath.people.track import read_call
from towpath.store import consents, tracking, workspaces
from towpath.store.database import Db, int4_array
from towpath.store.tracking import Received

APPLIED = Answer(AnswerKind.APPLIED, Cause.NONE, 0)
REFUSED = Answer(AnswerKind.REFUSED, Cause.SERVER, 50000)
UNSURE = Answer(AnswerKind.UNKNOWN, Cause.NETWORK)


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """Ana and Bia, in a workspace that is connected to TikTok."""
    with stage(db, tmp_path, processing_s=5, acceptance_s=5) as found:
        found.connect()
        mails(found, ana="ana", bia="bia")
        yield found


def withdraw(told: Stage, name: str = "ana") -> None:
    """They say no from now on."""
    people_file(told, f"{name},withdrawn", columns="external_id,consent")


def rules(told: Stage, **wanted: Any) -> None:
    """The workspace's settings, some of them changed."""
    found = workspaces.read(told.db, told.workspace)
    consents.change_rules(told.db, replace(found, **wanted), told.now)


def claim(told: Stage) -> Claimed:
    """The request that adds them, claimed and not yet carried."""
    while not told.sender.tick(told.now):
        told.now += told.settler.windows.flush
        for service in told.services:
            service.tick(told.now)
    return told.sender.outbox.popleft()


def test_they_leave_and_may_come_back(told: Stage) -> None:
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    withdraw(told)
    told.wait(seconds=60)
    assert held(told) == hashed("bia@example.com")
    assert open_strays(told) == 0
    mails(told, ana="ana")
    told.launch(canvas("Again", add=sync()))
    told.wait(seconds=20)
    assert held(told) == hashed("ana@example.com", "bia@example.com")


def test_they_are_told_how_far_it_is(told: Stage) -> None:
    """A receipt: due, then requested with TikTok's request id, then confirmed."""
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    assert whereabouts_of(told.db, told.workspace, "ana").withdrawals == []
    withdraw(told)
    states = []
    for _ in range(90):
        (one,) = whereabouts_of(told.db, told.workspace, "ana").withdrawals
        (left,) = one.audiences
        if left.state not in states:
            states.append(left.state)
        told.wait(seconds=1)
    assert states == ["due", "requested", "confirmed"]
    assert (left.audience, left.audience_id) == ("winback", told.audience_ref("winback"))
    assert all(sent.partner_request_ref for sent in left.requests)
    assert left.requests[-1].state == "applied"
    assert whereabouts_of(told.db, told.workspace, "bia").withdrawals == []


def test_they_come_back_before_the_removal_is_certain(told: Stage) -> None:
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    withdraw(told)
    mails(told, ana="ana")
    told.launch(canvas("Again", add=sync()))
    told.wait(seconds=90)
    assert held(told) == hashed("ana@example.com", "bia@example.com")
    assert open_strays(told) == 0


def test_they_withdraw_after_the_claim(told: Stage) -> None:
    """The body goes without them, and they are not counted as synced."""
    version = told.launch(canvas(add=sync()))
    claimed = claim(told)
    withdraw(told)
    loaded = courier.load(told.db, claimed, PARTNERS["tiktok"])
    assert loaded.body is not None
    (kept,), (gone,) = hashed("bia@example.com"), hashed("ana@example.com")
    assert kept.encode() in loaded.body
    assert gone.encode() not in loaded.body
    told.settler.inbox.append(Answered(claimed.id, claimed, APPLIED, loaded.found_keyless))
    told.settler.tick(told.now)
    assert told.counters(version, "add").synced == 1
    told.wait(seconds=60)
    assert held(told) <= hashed("bia@example.com")
    assert open_strays(told) == 0


@pytest.mark.parametrize("answer", [REFUSED, UNSURE])
def test_they_withdraw_in_the_middle_of_a_retry(told: Stage, answer: Answer) -> None:
    told.launch(canvas(add=sync()))
    claimed = claim(told)
    told.settler.inbox.append(Answered(claimed.id, claimed, answer))
    told.settler.tick(told.now)
    withdraw(told)
    told.wait(minutes=3)
    assert held(told) == hashed("bia@example.com")
    assert open_strays(told) == 0


def test_a_minor_is_not_sent_and_leaves(told: Stage) -> None:
    rules(told, age_min=18)
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    year = told.now.year - 17
    people_file(told, f"ana,{date(year, 1, 1)}", columns="external_id,birth_date")
    told.wait(seconds=60)
    assert held(told) == hashed("bia@example.com")
    everybody = int4_array(people([0, 1]))
    assert consents.sendable(told.db, everybody, told.now) == people([1])


def test_a_stricter_age_lets_go_who_is_younger(told: Stage) -> None:
    people_file(
        told,
        f"ana,{date(told.now.year - 17, 1, 1)}",
        f"bia,{date(told.now.year - 30, 1, 1)}",
        columns="external_id,birth_date",
    )
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    assert held(told) == hashed("ana@example.com", "bia@example.com")
    rules(told, age_min=18)
    told.wait(seconds=60)
    assert held(told) == hashed("bia@example.com")
    assert open_strays(told) == 0
    rules(told, age_min=None)
    told.wait(seconds=60)
    assert held(told) == hashed("bia@example.com"), "they come back at their next arrival"


def test_unknown_consent_that_is_sent_no_more(told: Stage) -> None:
    rules(told, unknown_consent_is_sent=True)
    people_file(told, "carla,carla@example.com", columns="external_id,email")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    everybody = hashed("ana@example.com", "bia@example.com", "carla@example.com")
    assert held(told) == everybody
    rules(told, unknown_consent_is_sent=False)
    told.wait(seconds=60)
    assert held(told) == hashed("ana@example.com", "bia@example.com")
    assert open_strays(told) == 0


def test_a_shared_key_leaves_when_its_other_holder_withdraws(told: Stage) -> None:
    """Carla is in no audience, but her address is, by Ana: her consent counts for it."""
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    assert held(told) == hashed("ana@example.com", "bia@example.com")
    mails(told, carla="ana")
    withdraw(told, "carla")
    told.wait(minutes=2)
    assert held(told) == hashed("bia@example.com")
    assert open_strays(told) == 0


def tracks(told: Stage, **said: object) -> None:
    """A call of `/v1/users/track` about Ana."""
    body = json.dumps({"attributes": [{"external_id": "ana"} | said]}).encode()
    call = read_call(body, told.now)
    assert call.errors == []
    tracking.store(told.db, told.workspace, [Received(call, None)], told.now)


@pytest.mark.parametrize("way", ["file", "track"])
def test_who_opts_out_of_sharing_leaves_whatever_consent_says(told: Stage, way: str) -> None:
    """Until they opt in again, and arrive anew."""
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    if way == "file":
        people_file(told, "ana,yes", columns="external_id,opt_out_sharing")
    else:
        tracks(told, opt_out_sharing=True, opt_out_sharing_source="gpc")
    told.wait(minutes=2)
    assert held(told) == hashed("bia@example.com")
    shown = whereabouts_of(told.db, told.workspace, "ana")
    assert (shown.consent.state, shown.consent.may_be_sent) == ("granted", False)
    assert [one.state for one in shown.withdrawals[0].audiences] == ["confirmed"]
    tracks(told, consent="granted")
    told.launch(canvas("Again", add=sync()))
    told.wait(minutes=1)
    assert held(told) == hashed("bia@example.com")
    tracks(told, opt_out_sharing=False)
    told.launch(canvas("Once more", add=sync()))
    told.wait(minutes=1)
    assert held(told) == hashed("ana@example.com", "bia@example.com")


def test_an_opt_out_that_cannot_be_read_is_told(told: Stage) -> None:
    body = b'{"attributes": [{"external_id": "ana", "opt_out_sharing": "perhaps"}]}'
    (error,) = read_call(body, told.now).errors
    assert "opt_out_sharing" in repr(error)


@pytest.mark.parametrize("way", ["file", "track"])
def test_consent_to_a_purpose_is_withdrawn(told: Stage, way: str) -> None:
    """The workspace wants consent to profiling too: who never gave it leaves at once, who takes it
    back leaves then, and no other purpose counts."""
    rows = ("ana,granted,withdrawn", "bia,granted,")
    columns = "external_id,consent.profiling,consent.post"
    people_file(told, *rows, columns=columns)
    mails(told, carla="carla")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    assert len(held(told)) == 3
    rules(told, purposes=("profiling",))
    told.wait(minutes=2)
    assert held(told) == hashed("ana@example.com", "bia@example.com")
    if way == "file":
        people_file(told, "ana,Withdrawn", columns="external_id,consent.profiling")
    else:
        tracks(told, **{"consent.profiling": "withdrawn", "consent.profiling.source": "web"})
    told.wait(minutes=2)
    assert held(told) == hashed("bia@example.com")
    assert open_strays(told) == 0
    tracks(told, **{"consent.profiling": "granted"})
    told.launch(canvas("Again", add=sync()))
    told.wait(minutes=1)
    assert held(told) == hashed("ana@example.com", "bia@example.com")


@pytest.mark.parametrize(
    "said", ['"consent.profiling": "yes"', '"consent.Profiling": "granted"', '"consent.a.b": "x"']
)
def test_consent_to_a_purpose_that_cannot_be_read_is_told(told: Stage, said: str) -> None:
    body = f'{{"attributes": [{{"external_id": "ana", {said}}}]}}'.encode()
    (error,) = read_call(body, told.now).errors
    assert "consent." in repr(error)
