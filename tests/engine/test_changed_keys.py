"""An identifier changes: the old key leaves TikTok, the new one arrives (I-27, I-28)."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage, stage

from towpath.engine import courier
from towpath.engine.courier import Answered
from towpath.engine.deadlines import Deadlines
from towpath.engine.rekeying import Rekeying
from towpath.partners.protocol import Answer, AnswerKind, Cause
from towpath.partners.registry import PARTNERS
from towpath.people import normalise
from towpath.people.columns import Refusal
from towpath.people.match_field import MatchField
from towpath.people.normalise import CURRENT_RULE, RULES, Normalised, RuleSet
from towpath.people.track import read_call
from towpath.store import resends, tracking
from towpath.store.database import Db
from towpath.store.tracking import Received

APPLIED = Answer(AnswerKind.APPLIED, Cause.NONE, 0)
BOTH = sync(fields="email, phone")


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """An empty workspace that is connected to TikTok; TikTok takes up to five seconds."""
    with stage(db, tmp_path, processing_s=5, acceptance_s=5) as found:
        found.connect()
        yield found


def hashed(*texts: str) -> set[str]:
    """What TikTok knows them by."""
    return {hashlib.sha256(text.encode()).hexdigest() for text in texts}


def held(told: Stage, field: str = "email") -> set[str]:
    """The keys in the audience."""
    return told.sandbox.members(told.audience_ref("winback")).get(field, set())


def people_file(told: Stage, *rows: str, columns: str = "external_id,email,consent") -> None:
    """A people file, each row a person."""
    told.import_people("\n".join([columns, *rows]))


def mails(told: Stage, **people: str) -> None:
    """People with these addresses."""
    people_file(told, *(f"{name},{mail}@example.com,granted" for name, mail in people.items()))


def open_strays(told: Stage) -> int:
    """How many strays are not out for certain yet."""
    row = told.db.execute("select count(*) from stray where ended_at is null").fetchone()
    assert row is not None
    return int(row[0])


def gone_keys(told: Stage) -> int:
    """Keys that numbers of old keys still hold."""
    query = (
        "select count(*) from match_key k join profile p on p.number = k.profile"
        " where p.gone_at is not null"
    )
    row = told.db.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_the_old_key_leaves_and_the_new_one_arrives(told: Stage) -> None:
    mails(told, ana="ana", bia="bia")
    version = told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    mails(told, ana="ana.new")
    told.wait(seconds=20)
    assert held(told) == hashed("ana.new@example.com", "bia@example.com")
    assert told.counters(version, "add").synced == 2
    told.wait(seconds=60)
    assert open_strays(told) == gone_keys(told) == 0


def test_the_key_is_lost(told: Stage) -> None:
    """`null` of `/users/track` takes the e-mail away: its key leaves the audience."""
    mails(told, ana="ana", bia="bia")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    call = read_call(b'{"attributes": [{"external_id": "ana", "email": null}]}', told.now)
    tracking.store(told.db, told.workspace, [Received(call, None)], told.now)
    told.wait(seconds=90)
    assert held(told) == hashed("bia@example.com")
    assert open_strays(told) == gone_keys(told) == 0


def test_it_changes_while_it_is_in_flight(told: Stage) -> None:
    """The request carries the old key, or the new one: either way the new one is in the end."""
    mails(told, ana="ana")
    version = told.launch(canvas(add=sync()))
    while not told.sender.tick(told.now):
        told.now += told.settler.windows.flush
        for service in told.services:
            service.tick(told.now)
    (one,) = told.sender.outbox
    told.sender.outbox.clear()
    mails(told, ana="ana.new")
    loaded = courier.load(told.db, one, PARTNERS["tiktok"])
    told.settler.inbox.append(Answered(one.id, one, APPLIED, loaded.found_keyless))
    told.settler.tick(told.now)
    assert told.counters(version, "add").pending == 1, "nothing was told of the new key"
    told.wait(seconds=30)
    assert held(told) == hashed("ana.new@example.com")
    assert told.counters(version, "add").synced == 1


def test_it_changes_back(told: Stage) -> None:
    mails(told, ana="ana")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    mails(told, ana="ana.new")
    told.wait(seconds=7)
    mails(told, ana="ana")
    told.wait(seconds=90)
    assert held(told) == hashed("ana@example.com")
    assert open_strays(told) == gone_keys(told) == 0


def test_it_changes_back_before_anything_was_sent(told: Stage) -> None:
    mails(told, ana="ana")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    mails(told, ana="ana.new")
    mails(told, ana="ana")
    told.wait(seconds=90)
    assert held(told) == hashed("ana@example.com")
    assert open_strays(told) == gone_keys(told) == 0


def test_an_old_key_that_somebody_wanted_holds_stays(told: Stage) -> None:
    mails(told, ana="family", bia="family")
    told.launch(canvas(add=sync()))
    told.wait(seconds=20)
    mails(told, ana="ana")
    told.wait(seconds=90)
    assert held(told) == hashed("ana@example.com", "family@example.com")
    assert open_strays(told) == gone_keys(told) == 0


def test_a_phone_that_is_gained_is_sent(told: Stage) -> None:
    mails(told, ana="ana")
    told.launch(canvas(add=BOTH))
    told.wait(seconds=10)
    assert not held(told, "phone")
    people_file(told, "ana,+5511912345678", columns="external_id,phone")
    told.wait(seconds=20)
    assert held(told, "phone") == hashed("+5511912345678")
    assert held(told) == hashed("ana@example.com")


def test_a_device_that_may_not_be_tracked_any_more_leaves(told: Stage) -> None:
    idfa = "0123abcd-0123-4567-89ab-0123456789ab"
    columns = "external_id,email,consent,idfa"
    people_file(told, f"ana,ana@example.com,granted,{idfa}", columns=columns)
    version = told.launch(canvas(add=sync(fields="email, idfa")))
    told.wait(seconds=10)
    assert held(told, "idfa") == hashed(idfa)
    people_file(told, "ana,false", columns="external_id,ad_tracking")
    told.wait(seconds=90)
    assert not held(told, "idfa")
    assert held(told) == hashed("ana@example.com")
    assert told.counters(version, "add").synced == 1


def test_who_is_in_no_audience_costs_no_number(told: Stage) -> None:
    """Consent was never asked of bia, so she was never sent."""
    people_file(told, "ana,ana@example.com,granted", "bia,bia@example.com,unknown")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    mails(told, bia="bia.new")
    assert gone_keys(told) == 0


def test_other_rules_make_other_keys(told: Stage) -> None:
    """I-29: whose key differs by them is moved to it; a hash that came alone is carried."""

    def without_dots(text: str, country: str | None = None) -> Normalised | Refusal:
        local, _, domain = text.partition("@")
        return normalise.email(f"{local.replace('.', '')}@{domain}", country)

    alone = hashed("alone@example.com").pop()
    mails(told, ana="a.na", bia="bia")
    people_file(told, f"eva,{alone},granted", columns="external_id,email_sha256,consent")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    readers = {**RULES[CURRENT_RULE].readers, MatchField.EMAIL: without_dots}
    newer = Rekeying(told.db, RuleSet(2, "test", "test", readers))
    while newer.tick(told.now):
        pass
    old = told.db.execute("select count(*) from match_key where rule <> 2").fetchone()
    assert old == (0,)
    told.service(Deadlines).rules = newer.rules
    told.wait(seconds=30)
    assert held(told) == hashed("ana@example.com", "bia@example.com", "alone@example.com")


def test_it_changes_before_anybody_saw_that_a_window_ended(db: Db, tmp_path: Path) -> None:
    """The removal is to be repeated, for the addition may have come after it: of the old key."""
    with stage(db, tmp_path, processing_s=60, acceptance_s=5) as told:
        told.connect()
        mails(told, ana="ana")
        told.launch(
            canvas(
                add=sync(next_step="wait"),
                wait="{kind: delay, for: 8s, next: remove}",
                remove=sync(action="remove"),
            )
        )
        told.wait(seconds=30)
        due = resends.next_due(told.db)
        assert due is not None
        told.now = due + timedelta(minutes=1)  # no request can still take effect
        mails(told, ana="ana.new")
        assert open_strays(told) == 1
        told.wait(seconds=200)
        assert not held(told)
        assert open_strays(told) == gone_keys(told) == 0
