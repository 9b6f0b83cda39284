"""An app that may not stream: audiences are filled by Customer Files, some updates a day."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs
from tests.engine.test_changed_keys import held, open_strays, people_file
from tests.stories.files import canvas, sync
from tests.stories.stage import BASE_URL, Stage, stage

from towpath.api import dry_runs, transports
from towpath.api.transports import Moved
from towpath.errors import ConflictError
from towpath.ids import AudienceId, PartnerRef, VersionId
from towpath.limits import FILE_PEOPLE_MIN
from towpath.partners.registry import PARTNERS
from towpath.partners.tiktok import problems
from towpath.partners.tiktok.problems import Problem
from towpath.sandbox import Rules
from towpath.store import audiences, connections, health
from towpath.store.database import Db

FILES = Rules(processing_s=1_800)
"""TikTok works half an hour on a file, and takes no other meanwhile."""
CROWD = FILE_PEOPLE_MIN
SIGN_UP = "on: [{event: signed_up}]"


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """A workspace connected by an app that TikTok has not allowlisted."""
    with stage(db, tmp_path, FILES, processing_s=0) as found:
        found.sandbox.world.allowlisted = False
        found.connect()
        yield found


def crowd(told: Stage, first: int, last: int, consent: str = "granted") -> None:
    """People of these numbers."""
    rows = (f"p{n},p{n}@example.com,+55119{n:08},{consent}" for n in range(first, last))
    people_file(told, *rows, columns="external_id,email,phone,consent")


def updates(told: Stage) -> list[tuple[str, int]]:
    """What TikTok was asked to do with people, oldest first: the act, and how many."""
    acts = ("create", "append", "remove", "replace")
    return [(one.action, one.people) for one in told.sandbox.log.rows if one.action in acts]


def passed(told: Stage, version: VersionId, step: str = "add") -> tuple[int, int, int]:
    """Entered, synced, pending."""
    found = told.counters(version, step)
    return found.entered, found.synced, found.pending


def sign_up(told: Stage, first: int, last: int) -> None:
    """People of these numbers come, and do what the Canvas waits for."""
    crowd(told, first, last)
    for one in range(first, last):
        told.did(f"p{one}", "signed_up")


def test_they_go_by_files(told: Stage) -> None:
    """The audience has its name in the draft already; its first file makes it."""
    crowd(told, 0, CROWD)
    version = told.launch(canvas(add=sync(fields="email, phone")))
    (connection,) = connections.list_all(told.db, told.workspace)
    assert connection.by_files
    assert not audiences.list_all(told.db, told.workspace)[0].made
    told.wait(minutes=5)
    assert passed(told, version) == (CROWD, CROWD, 0)
    told.wait(hours=1)
    assert len(held(told)) == len(held(told, "phone")) == CROWD
    made = told.sandbox.world.audiences[told.audience_ref("winback")]
    assert made.kind == "Customer File Audience"


def test_too_few_wait(told: Stage) -> None:
    """And no time runs for them: they are pending for days, until others come."""
    version = told.launch(canvas(entry=SIGN_UP, add=sync()))
    sign_up(told, 0, CROWD - 1)
    told.wait(minutes=10)
    for _ in range(4):
        told.now += timedelta(days=1)
        told.wait(minutes=5)
    assert passed(told, version) == (CROWD - 1, 0, CROWD - 1)
    sign_up(told, CROWD - 1, CROWD)
    told.wait(hours=1)
    assert passed(told, version) == (CROWD, CROWD, 0)
    assert len(held(told)) == CROWD


def test_an_update_an_hour_removals_first(told: Stage) -> None:
    version = told.launch(canvas(entry=SIGN_UP, add=sync()))
    sign_up(told, 0, CROWD)
    told.wait(minutes=30)
    sign_up(told, CROWD, CROWD + 10)
    crowd(told, 0, 5, "withdrawn")
    told.wait(minutes=30)
    assert updates(told) == [("create", CROWD)]
    assert passed(told, version) == (CROWD + 10, CROWD, 10)
    told.wait(hours=1)
    assert updates(told) == [("create", CROWD), ("remove", 5)]
    told.wait(hours=2)
    assert updates(told) == [("create", CROWD), ("remove", 5), ("append", 10)]
    assert passed(told, version) == (CROWD + 10, CROWD + 10, 0)
    assert len(held(told)) == CROWD + 5
    assert open_strays(told) == 0


def test_never_more_than_tiktok_takes(told: Stage) -> None:
    """People come all day: 24 updates within a day, one at a time."""
    told.launch(canvas(entry=SIGN_UP, add=sync()))
    sign_up(told, 0, CROWD)
    for turn in range(26):
        sign_up(told, CROWD + turn, CROWD + turn + 1)
        told.now += timedelta(minutes=50)
        told.wait(minutes=10)
    told.wait(hours=3)
    assert len(held(told)) == CROWD + 26
    refused = [one for one in told.sandbox.log.rows if one.code not in (0, 40118)]
    assert refused == []


def test_once_a_day_all_is_made_whole(told: Stage) -> None:
    """Somebody changed the audience at TikTok: a replacement mends it."""
    told.launch(canvas(entry=SIGN_UP, add=sync()))
    sign_up(told, 0, CROWD)
    told.wait(hours=2)
    before = held(told)
    ref = told.audience_ref("winback")
    told.sandbox.world.membership.remove(ref, "email", bytes.fromhex(min(before)))
    told.sandbox.world.membership.add(ref, "email", bytes(32))
    told.now += timedelta(hours=22)
    told.wait(hours=2)
    assert updates(told) == [("create", CROWD), ("replace", CROWD)]
    assert held(told) == before


def test_an_audience_is_made_once_though_the_answer_was_lost(told: Stage) -> None:
    told.sandbox.next_faults(["hang_applied"], "dmp/custom_audience/create/")
    version = told.launch(canvas(entry=SIGN_UP, add=sync()))
    sign_up(told, 0, CROWD)
    told.wait(hours=6)
    named = [one for one in told.sandbox.world.audiences.values() if one.name == "winback"]
    assert len(named) == 1
    assert passed(told, version) == (CROWD, CROWD, 0)
    assert len(held(told)) == CROWD


def test_it_is_waited_for_while_tiktok_works(db: Db, tmp_path: Path) -> None:
    """TikTok takes four days over a file. Nobody is given up, and nothing is wrong."""
    with stage(db, tmp_path, Rules(), processing_s=0) as told:
        told.sandbox.world.allowlisted = False
        told.connect()
        version = told.launch(canvas(entry=SIGN_UP, add=sync()))
        sign_up(told, 0, CROWD)
        told.wait(minutes=30)
        (made,) = (one for one in told.sandbox.world.audiences.values() if one.name == "winback")
        made.busy_until = told.now.timestamp() + 4 * 86_400
        sign_up(told, CROWD, CROWD + 1)
        told.wait(hours=2)
        for _ in range(3):
            told.now += timedelta(hours=23)
            told.wait(minutes=30)
        assert passed(told, version) == (CROWD + 1, CROWD, 1)
        assert told.trouble(version, "add") is None
        told.now += timedelta(hours=25)
        told.wait(minutes=30)
        assert passed(told, version) == (CROWD + 1, CROWD + 1, 0)


def test_it_is_told(told: Stage) -> None:
    """Which transport runs, that it is not near real time, and when the next file leaves."""
    found = {one.code for one in told.findings(canvas(entry=SIGN_UP, add=sync()))}
    assert "not_near_real_time" not in found, "nobody knows yet"
    told.launch(canvas(entry=SIGN_UP, add=sync()))
    found = {one.code for one in told.findings(canvas(entry=SIGN_UP, add=sync()))}
    assert "not_near_real_time" in found
    sign_up(told, 0, 3)
    told.wait(minutes=1)
    (shown,) = transports.shown(told.db, told.workspace, told.now)
    (one,) = shown.audiences
    assert (shown.transport, shown.near_real_time) == ("files", False)
    assert (one.id, one.adding, one.next_update_at) == (None, 3, None)
    assert one.people_needed == CROWD
    sign_up(told, 3, CROWD)
    told.wait(minutes=10)
    sent_at = told.now
    sign_up(told, CROWD, CROWD + 2)
    told.wait(minutes=1)
    ((one,),) = (each.audiences for each in transports.shown(told.db, told.workspace, told.now))
    assert (one.id, one.adding, one.updates) == (told.audience_ref("winback"), 2, 1)
    assert one.next_update_at is not None
    assert timedelta(minutes=50) < one.next_update_at - sent_at < timedelta(minutes=65)
    crowd(told, 0, 4, "withdrawn")
    ((one,),) = (each.audiences for each in transports.shown(told.db, told.workspace, told.now))
    assert (one.adding, one.removing) == (2, 4)


def test_a_dry_run_knows_of_files(told: Stage) -> None:
    """One request for everybody, its first lines, and when it leaves."""
    crowd(told, 0, CROWD + 500)
    told.launch(canvas(add=sync(fields="email, phone")))
    asked = dry_runs.DryRun()
    found = dry_runs.run(told.db, told.workspace, told.canvas("Winback"), "add", asked, told.now)
    assert (found.near_real_time, found.audience_id, found.seconds) == (False, None, 0)
    assert (found.going, found.requests) == (CROWD + 500, 1)
    assert found.first_request is not None
    assert found.first_request.body.startswith("EMAIL_SHA256,PHONE_SHA256\nxxxx")
    told.wait(minutes=5)
    found = dry_runs.run(told.db, told.workspace, told.canvas("Winback"), "add", asked, told.now)
    assert found.audience_id == told.audience_ref("winback")


def test_an_audience_that_matched_too_few_is_told_of(told: Stage) -> None:
    """TikTok knows a third of the people only: its audience can never be edited again."""
    told.sandbox.world.rules = structs.replace(told.sandbox.world.rules, match_rate=0.3)
    told.launch(canvas(entry=SIGN_UP, add=sync()))
    sign_up(told, 0, CROWD + 1)
    told.wait(minutes=10)
    crowd(told, 0, 1, "withdrawn")
    told.now += timedelta(hours=40)
    told.wait(minutes=20)
    assert health.read(told.db, told.workspace, told.now) == []
    told.now += timedelta(hours=10)
    told.wait(hours=1)
    (ill,) = health.read(told.db, told.workspace, told.now)
    assert (ill.subject, problems.read(ill.cause)[0]) == ("audience", Problem.AUDIENCE_STUCK)


def move(told: Stage) -> Moved:
    """`transport move winback "winback now"`."""
    (old,) = (one for one in audiences.list_all(told.db, told.workspace) if one.by_files)
    work = transports.move(
        told.db, told.workspace, old.id, "winback now", told.reach, told.now, "the admin"
    )
    return asyncio.run(work)


def test_an_app_that_is_allowlisted_later_moves(told: Stage) -> None:
    """Everybody of the old audience is in the new one, within a minute; so are those who come."""
    told.launch(canvas(entry=SIGN_UP, add=sync()))
    sign_up(told, 0, CROWD)
    told.wait(hours=1)
    with pytest.raises(ConflictError, match="allowlist"):
        move(told)
    told.sandbox.world.allowlisted = True
    moved = move(told)
    told.wait(hours=1)
    new = audiences.read(told.db, told.workspace, AudienceId(moved.audience))
    assert not new.by_files
    assert told.sandbox.members(new.partner_ref)["email"] == held(told)
    sign_up(told, CROWD, CROWD + 3)
    told.wait(hours=1)
    assert len(told.sandbox.members(new.partner_ref)["email"]) == CROWD + 3


def test_it_is_found_out_that_an_app_may_stream(told: Stage) -> None:
    partner = PARTNERS["tiktok"]

    async def ask() -> bool | None:
        return await partner.may_stream(
            told.door,
            BASE_URL,
            told.sandbox.world.token,
            ad_account_ref=PartnerRef(told.account),
            deadline_s=1,
        )

    assert asyncio.run(ask()) is False
    told.sandbox.world.allowlisted = True
    assert asyncio.run(ask()) is True
    told.sandbox.world.grants[told.sandbox.world.token].alive = False
    assert asyncio.run(ask()) is None
