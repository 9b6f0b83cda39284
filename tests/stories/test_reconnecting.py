"""Stories of a connection that is cut and made again, and of ad accounts that change hands."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.api import connecting, disconnecting
from towpath.api.connecting import Connected, Token
from towpath.api.disconnecting import Disconnected
from towpath.cli import compose
from towpath.ids import ConnectionId, PartnerRef
from towpath.sandbox.world import SCOPES
from towpath.store import connections
from towpath.store.tallies import Change


def _reach(told: Stage) -> Any:
    return replace(told.reach, ours=compose.our_app(told.settings))


def _where(told: Stage) -> ConnectionId:
    (found,) = connections.list_all(told.db, told.workspace)
    return found.id


def _run(told: Stage, work: Coroutine[Any, Any, Any]) -> Any:
    return told.runner.run(work)


def _disconnect(told: Stage, *, remove_everyone_first: bool = False) -> Disconnected:
    where = _where(told)
    stopped = disconnecting.stopped_by(told.db, told.workspace, where)
    done: Disconnected = _run(
        told,
        disconnecting.disconnect(
            told.db,
            told.workspace,
            where,
            _reach(told),
            [one.canvas for one in stopped],
            remove_everyone_first=remove_everyone_first,
            actor="terminal",
        ),
    )
    return done


def _connect_as(told: Stage, person: str) -> Connected:
    """Another person confirms: another token, with the same ad accounts."""
    grant = told.sandbox.world.issue(list(told.sandbox.world.advertisers), SCOPES)
    token = Token(grant.token, (1, 3), person)
    keep = connecting.keep(
        told.db, told.workspace, _reach(told), token, actor="terminal", choose_new=False
    )
    done: Connected = _run(told, keep)
    return done


def test_disconnected_and_connected_by_another_person_people_go_out(told: Stage) -> None:
    """S027, S071, I-62: the preview names the Canvas and who waits; nothing is sent in between; the
    same connection, ad account and audience go on with another person's token."""
    told.people("ana", "bruno")
    version = told.launch(canvas(add=sync()))
    before = told.db.execute("select id, partner_ref from ad_account order by id").fetchall()
    first, where = told.sandbox.world.token, _where(told)
    assert _disconnect(told).token_left is None
    assert not told.sandbox.world.grants[first].alive
    told.wait(minutes=1)
    (stopped,) = disconnecting.stopped_by(told.db, told.workspace, where)
    assert (stopped.steps, stopped.pending) == (["add"], 2)
    assert told.sent() == []
    done = _connect_as(told, "Bea")
    assert (done.id, done.replaced) == (where, False)
    assert (
        told.db.execute("select id, partner_ref from ad_account order by id").fetchall() == before
    )
    told.wait(seconds=6)
    assert told.counters(version, "add") == Change(2, 2, synced=2, exited=2)


def test_an_ad_account_that_is_not_used_any_more_rests(told: Stage) -> None:
    """S027: taken out and put back without disconnecting; whoever waits goes out then."""
    told.people("ana")
    version = told.launch(canvas(add=sync()))
    everything = [PartnerRef(each) for each in told.sandbox.world.advertisers]
    where = _where(told)

    def choose(wanted: list[PartnerRef]) -> None:
        connecting.choose(told.db, told.workspace, where, wanted, actor="terminal", now=told.now)

    choose(everything[1:])
    told.wait(minutes=2)
    assert (told.sent(), told.counters(version, "add").pending) == ([], 1)
    assert [one.code for one in told.findings(canvas("Another", add=sync()))] != []
    choose(everything)
    told.wait(seconds=6)
    assert told.counters(version, "add").synced == 1


def test_everybody_is_removed_before_the_connection_is_cut(told: Stage) -> None:
    """I-62: the Canvas rests, the removals go out, and only then the token is revoked."""
    told.people("ana", "bruno")
    version = told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    assert told.counters(version, "add").synced == 2
    name = next(
        one.name for one in told.sandbox.world.audiences.values() if told.at_tiktok(one.name)
    )
    begun = _disconnect(told, remove_everyone_first=True)
    assert (begun.done, begun.removals_left) == (False, 2)
    told.wait(seconds=10)
    assert told.at_tiktok(name) == set()
    assert _disconnect(told, remove_everyone_first=True) == Disconnected(done=True)
    assert not told.sandbox.world.grants[told.sandbox.world.token].alive
