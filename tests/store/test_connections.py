"""Apps, connections with their tokens and breaks, and ad accounts."""

import os

import pytest
from psycopg.rows import scalar_row

from towpath.clock import Instant, seconds
from towpath.errors import NotFoundError
from towpath.ids import AppId, ConnectionId, PartnerRef, WorkspaceId
from towpath.store import apps, connections
from towpath.store.database import Db
from towpath.store.secrets import KeyRing, SecretId

KEYS = KeyRing({"k": os.urandom(32)}, "k")


@pytest.fixture
def app(db: Db) -> AppId:
    return apps.ensure(db, "tiktok", "7000000000000000001", 50)


@pytest.fixture
def acme(db: Db, now: Instant) -> WorkspaceId:
    with db.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(
            "insert into workspace (name, created_at) values ('Acme', %s) returning id", (now,)
        ).fetchone()
    assert isinstance(found, int)
    return WorkspaceId(found)


def connect(db: Db, acme: WorkspaceId, app: AppId, people: int = 1_000) -> ConnectionId:
    return connections.ensure(
        db, acme, app, "Main", people_per_request_max=people, keys_per_request_max=1_000
    )


def token_of(db: Db, acme: WorkspaceId, connection: ConnectionId) -> SecretId:
    found = connections.read(db, acme, connection).token
    assert found is not None
    return found


def test_an_app_is_one_row_and_its_rate_may_change(db: Db, app: AppId) -> None:
    assert apps.ensure(db, "tiktok", "7000000000000000001", 10) == app
    assert apps.read(db, app).requests_per_second == 10
    with pytest.raises(NotFoundError):
        apps.read(db, AppId(99))


def test_a_connection_keeps_one_sealed_token(
    db: Db, acme: WorkspaceId, app: AppId, now: Instant
) -> None:
    connection = connect(db, acme, app)
    assert not connections.read(db, acme, connection).ready, "no token yet"
    connections.set_token(db, KEYS, acme, connection, "first", now)
    connections.set_token(db, KEYS, acme, connection, "second", now)
    found = connections.read(db, acme, connection)
    assert found.ready
    assert found.token is not None
    assert connections.open_token(db, KEYS, acme, found.token) == "second"
    assert db.execute("select count(*) from secret").fetchone() == (1,)
    assert connections.list_all(db, acme) == [found]


def test_disconnecting_forgets_the_token(
    db: Db, acme: WorkspaceId, app: AppId, now: Instant
) -> None:
    connection = connect(db, acme, app)
    connections.set_token(db, KEYS, acme, connection, "first", now)
    connections.set_token(db, KEYS, acme, connection, None, now)
    found = connections.read(db, acme, connection)
    assert (found.ready, found.token, found.broken_reason) == (False, None, "disconnected")
    assert db.execute("select count(*) from secret").fetchone() == (0,)
    connections.set_token(db, KEYS, acme, connection, "again", now)
    assert connections.read(db, acme, connection).ready


def test_a_broken_connection_is_probed_once_a_minute(
    db: Db, acme: WorkspaceId, app: AppId, now: Instant
) -> None:
    connection = connect(db, acme, app)
    connections.set_token(db, KEYS, acme, connection, "first", now)
    token = token_of(db, acme, connection)
    first = now + seconds(60)
    assert connections.mark_broken(db, connection, token, "40105", now, first)
    assert not connections.mark_broken(db, connection, token, "again", now, now), "alerted twice"
    assert connections.claim_probes(db, 5, now, first) == []
    later = first + seconds(60)
    (probe,) = connections.claim_probes(db, 5, first, later)
    assert (probe.id, probe.token) == (connection, token)
    assert connections.claim_probes(db, 5, first, later) == [], "two workers probed"
    assert connections.mark_ready(db, connection, token)
    assert not connections.mark_ready(db, connection, token)
    assert connections.read(db, acme, connection).broken_since is None


def test_an_answer_to_an_old_token_does_not_break_the_new_one(
    db: Db, acme: WorkspaceId, app: AppId, now: Instant
) -> None:
    connection = connect(db, acme, app)
    connections.set_token(db, KEYS, acme, connection, "first", now)
    old = token_of(db, acme, connection)
    connections.set_token(db, KEYS, acme, connection, "second", now)
    assert not connections.mark_broken(db, connection, old, "40105", now, now)
    assert connections.read(db, acme, connection).ready


def test_sizes_may_change_and_the_token_stays(
    db: Db, acme: WorkspaceId, app: AppId, now: Instant
) -> None:
    connection = connect(db, acme, app)
    connections.set_token(db, KEYS, acme, connection, "first", now)
    assert connect(db, acme, app, people=10_000) == connection
    found = connections.read(db, acme, connection)
    assert (found.people_per_request_max, found.ready) == (10_000, True)


def test_ad_accounts_are_named_and_paused(
    db: Db, acme: WorkspaceId, app: AppId, now: Instant
) -> None:
    connection = connect(db, acme, app)
    ref = PartnerRef("7300000000000000001")
    account = connections.ensure_ad_account(db, acme, connection, ref, "Shop")
    assert connections.ensure_ad_account(db, acme, connection, ref, "Shop BR") == account
    until = now + seconds(5)
    assert connections.pause_ad_account(db, account, until, "40133", now)
    assert not connections.pause_ad_account(db, account, now + seconds(1), "less", now)
    (found,) = connections.list_ad_accounts(db, acme, connection)
    assert found == connections.read_ad_account(db, acme, account)
    assert (found.name, found.paused_until, found.pause_reason) == ("Shop BR", until, "40133")


def test_another_workspace_sees_and_changes_nothing(
    db: Db, acme: WorkspaceId, app: AppId, now: Instant
) -> None:
    connection, other = connect(db, acme, app), WorkspaceId(acme + 1)
    account = connections.ensure_ad_account(db, acme, connection, PartnerRef("1"), "Shop")
    assert connections.list_all(db, other) == []
    assert connections.list_ad_accounts(db, other, connection) == []
    with pytest.raises(NotFoundError):
        connections.read(db, other, connection)
    with pytest.raises(NotFoundError):
        connections.set_token(db, KEYS, other, connection, "stolen", now)
    with pytest.raises(NotFoundError):
        connections.ensure_ad_account(db, other, connection, PartnerRef("2"), "Mine")
    with pytest.raises(NotFoundError):
        connections.read_ad_account(db, other, account)
