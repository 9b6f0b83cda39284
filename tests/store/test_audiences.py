"""Audiences as lists at the partner, and the way to them."""

import os
from dataclasses import replace

import pytest
from psycopg.rows import scalar_row

from towpath.clock import Instant, seconds
from towpath.errors import NotFoundError
from towpath.ids import AdAccountId, AudienceId, PartnerRef, WorkspaceId
from towpath.store import apps, audiences, connections, permits
from towpath.store.database import Db
from towpath.store.secrets import KeyRing

REF = PartnerRef("7399999999999999999")
KEYS = KeyRing({"k": os.urandom(32)}, "k")


@pytest.fixture
def acme(db: Db, now: Instant) -> WorkspaceId:
    with db.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(
            "insert into workspace (name, created_at) values ('Acme', %s) returning id", (now,)
        ).fetchone()
    assert isinstance(found, int)
    return WorkspaceId(found)


@pytest.fixture
def account(db: Db, acme: WorkspaceId, now: Instant) -> AdAccountId:
    app = apps.ensure(db, "tiktok", "7000000000000000001", 50)
    connection = connections.ensure(
        db, acme, app, "Main", people_per_request_max=1_000, keys_per_request_max=2_000
    )
    connections.set_token(db, KEYS, acme, connection, "token", now)
    return connections.ensure_ad_account(db, acme, connection, PartnerRef("73"), "Shop")


@pytest.fixture
def audience(db: Db, acme: WorkspaceId, account: AdAccountId, now: Instant) -> AudienceId:
    return audiences.ensure(db, acme, account, REF, "Buyers", created_here=True, now=now)


def test_an_audience_is_one_row_by_its_id(
    db: Db, acme: WorkspaceId, account: AdAccountId, audience: AudienceId, now: Instant
) -> None:
    again = audiences.ensure(db, acme, account, REF, "Buyers 2", created_here=False, now=now)
    assert again == audience
    found = audiences.read(db, acme, audience)
    assert (found.name, found.created_here, found.partner_ref) == ("Buyers 2", True, REF)
    assert audiences.find_by_ref(db, acme, account, REF) == found
    assert audiences.find_by_ref(db, acme, account, PartnerRef("1")) is None
    assert audiences.list_all(db, acme) == [found]


def test_several_may_bear_one_name(
    db: Db, acme: WorkspaceId, account: AdAccountId, audience: AudienceId, now: Instant
) -> None:
    second = audiences.ensure(
        db, acme, account, PartnerRef("74"), "Buyers", created_here=False, now=now
    )
    named = audiences.find_by_name(db, acme, account, "Buyers")
    assert [found.id for found in named] == [audience, second]


def test_another_workspace_finds_nothing(
    db: Db, acme: WorkspaceId, account: AdAccountId, audience: AudienceId, now: Instant
) -> None:
    other = WorkspaceId(acme + 1)
    assert audiences.find_by_ref(db, other, account, REF) is None
    assert audiences.list_all(db, other) == []
    with pytest.raises(NotFoundError):
        audiences.read(db, other, audience)
    with pytest.raises(NotFoundError):
        audiences.ensure(db, other, account, REF, "Mine", created_here=True, now=now)


def test_a_learned_size_bounds_requests(db: Db, audience: AudienceId) -> None:
    for learned, expected in ((None, 1_000), (500, 500), (2_000, 1_000)):
        db.execute("update audience set people_per_request_learned = %s", (learned,))
        assert audiences.routes(db, [audience])[audience].people_per_request == expected


def test_a_route_is_open_unless_something_rests(
    db: Db, acme: WorkspaceId, account: AdAccountId, audience: AudienceId, now: Instant
) -> None:
    route = audiences.routes(db, [audience])[audience]
    assert (route.audience_ref, route.ad_account_ref, route.partner) == (REF, "73", "tiktok")
    assert route.keys_per_request == 2_000
    assert route.open_at(now)
    assert not replace(route, ready=False).open_at(now)
    assert not replace(route, token=None).open_at(now)
    until = now + seconds(5)
    permits.pause(db, route.app, until, "40100", now)
    connections.pause_ad_account(db, account, until + seconds(5), "40133", now)
    paused = audiences.routes(db, [audience])[audience]
    assert [paused.open_at(now + seconds(after)) for after in (0, 5, 9, 10)] == [
        False,
        False,
        False,
        True,
    ]
    assert audiences.routes(db, [AudienceId(99)]) == {}
