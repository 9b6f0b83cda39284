"""Stories of the connection: made, broken at TikTok, mended, and what people notice of it."""

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import KEYS, Stage

from towpath.errors import PartnerError, SettingsError
from towpath.sandbox.world import SCOPES
from towpath.store import connections
from towpath.store.connections import Connection
from towpath.store.tallies import Change


def test_connecting_shows_the_ad_accounts_and_keeps_the_token_sealed(told: Stage) -> None:
    """S024, S025, S026, S027, S028: the workspace has one connection with the ad accounts that the
    token reaches; nobody who reads the database finds the token in it."""
    accounts = connections.list_ad_accounts(told.db, told.workspace, _connection(told).id)
    assert {one.partner_ref: one.name for one in accounts} == {
        account.advertiser_id: account.name for account in told.sandbox.world.advertisers.values()
    }
    token = told.sandbox.world.token
    sealed = told.db.execute("select sealed from secret").fetchall()
    assert len(sealed) == 1
    assert token.encode() not in sealed[0][0]
    found = _connection(told)
    assert found.token is not None
    assert connections.open_token(told.db, KEYS, told.workspace, found.token) == token


def test_connecting_again_replaces_the_token_and_keeps_everything(told: Stage) -> None:
    """S027, S071: with a token for one ad account, the others are named as no longer reached."""
    before = _connection(told)
    grant = told.sandbox.world.issue([told.account], SCOPES)
    done = told.connect(grant.token)
    assert done.replaced
    assert list(done.ad_accounts) == [told.account]
    assert len(done.lost) == 2
    after = _connection(told)
    assert (after.id, after.people_per_request_max) == (before.id, before.people_per_request_max)
    assert after.token is not None
    assert connections.open_token(told.db, KEYS, told.workspace, after.token) == grant.token
    assert len(connections.list_ad_accounts(told.db, told.workspace, after.id)) == 3
    assert told.db.execute("select count(*) from secret").fetchone() == (1,)


def test_a_token_that_tiktok_refuses_changes_nothing(told: Stage) -> None:
    """S029, S070: the error names what to check; the working connection goes on."""
    before = _connection(told)
    with pytest.raises(PartnerError, match="40105") as refused:
        told.connect("bogus")
    assert "Check the token" in refused.value.remedy
    assert "bogus" not in str(refused.value)
    assert _connection(told) == before


def test_an_app_is_needed(told: Stage) -> None:
    """S015: without the operator's registration at TikTok nothing can be connected."""
    told.settings = told.settings.model_copy(update={"tiktok_app_id": None})
    with pytest.raises(SettingsError, match="as which app"):
        told.connect()


def test_a_dead_token_shows_on_the_canvas_and_stops_sending(told: Stage) -> None:
    """S029, S030, S071, S072, S074: the admin removed the authorisation. The Canvas shows it and
    what to do, nothing but a probe a minute is sent, and people wait. Connected again, with another
    token, they are synced as if nothing had been."""
    told.people("ana", "bruno")
    version = told.launch(canvas(add=sync()))
    told.sandbox.world.grants[told.sandbox.world.token].alive = False
    told.wait(minutes=10)
    assert told.counters(version, "add") == Change(2, 2, pending=2, exited=2)
    assert len(told.sent()) == 1
    assert 8 <= sum(row.path == "user/info/" for row in told.sandbox.log.rows) <= 11
    trouble = told.trouble(version, "add")
    assert trouble is not None
    assert "refuses its token or app (code 40105)" in trouble.message
    assert "admin of the TikTok Business Center" in trouble.remedy
    assert "towpath connect tiktok" in trouble.remedy
    codes = [finding.code for finding in told.findings(canvas("Another", add=sync()))]
    assert codes == ["connection_broken"]
    told.connect(told.sandbox.world.issue([told.account], SCOPES).token)
    trouble = told.trouble(version, "add")
    assert trouble is None or trouble.scope == "request"
    told.wait(minutes=1)
    assert told.counters(version, "add") == Change(2, 2, synced=2, exited=2)
    assert told.trouble(version, "add") is None


def test_a_token_that_lives_again_is_found_by_the_probe(told: Stage) -> None:
    """S030: TikTok's hiccup of three minutes needs nobody's hand."""
    grant = told.sandbox.world.grants[told.sandbox.world.token]
    told.people("ana")
    version = told.launch(canvas(add=sync()))
    grant.alive = False
    told.wait(minutes=3)
    grant.alive = True
    told.wait(minutes=2)
    assert told.counters(version, "add").synced == 1


def test_disconnecting_and_connecting_again_keeps_people_pending(told: Stage) -> None:
    """S027, S071: in between nothing reaches TikTok, not even a probe, and nobody is lost."""
    told.people("ana", "bruno")
    version = told.launch(canvas(add=sync()))
    told.disconnect()
    asked = len(told.sandbox.log.rows)
    told.wait(minutes=30)
    assert len(told.sandbox.log.rows) == asked
    assert told.counters(version, "add").pending == 2
    trouble = told.trouble(version, "add")
    assert trouble is not None
    assert "disconnected" in trouble.message
    told.connect()
    told.wait(seconds=1)
    assert told.counters(version, "add").synced == 2


def test_a_removed_permission_shows_and_stops_sending_for_that_ad_account(told: Stage) -> None:
    """S018, S029, S030, S072: the role in one ad account was taken away. Its Canvas says so and
    asks TikTok once a minute; the other ad account of the connection goes on."""
    told.people("ana")
    second = list(told.sandbox.world.advertisers)[1]
    mine = told.launch(canvas(add=sync()))
    other = told.launch(canvas("Other", add=sync("other")).replace("ACCOUNT", second))
    told.sandbox.world.advertisers[told.account].role = False
    told.wait(minutes=5)
    assert told.counters(mine, "add").pending == 1
    assert told.counters(other, "add").synced == 1
    trouble = told.trouble(mine, "add")
    assert trouble is not None
    assert "denies the permission (code 40001)" in trouble.message
    assert "admin of the TikTok Business Center" in trouble.remedy
    assert len(told.sent()) <= 7
    assert told.trouble(other, "add") is None
    told.sandbox.world.advertisers[told.account].role = True
    told.wait(minutes=2)
    assert told.counters(mine, "add").synced == 1
    assert told.trouble(mine, "add") is None


def _connection(told: Stage) -> Connection:
    (found,) = connections.list_all(told.db, told.workspace)
    return found
