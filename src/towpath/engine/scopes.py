"""What an answer stops beyond its own request: the app, the connection, the ad account.

Throttling pauses its scope for every worker and costs no try; a refused token breaks the connection
until a probe or a new token mends it. Architecture 5, rule 9; reliability 5.4.
"""

from collections.abc import Iterable

from towpath.clock import Instant, seconds
from towpath.engine.courier import Answered
from towpath.ledger.windows import Windows
from towpath.partners.protocol import Cause, Scope, longer_pause
from towpath.store import connections, permits
from towpath.store.database import Db

PROBE_EVERY_S = 60.0


def rest(db: Db, answered: Iterable[Answered], now: Instant, windows: Windows) -> None:
    """Pause or break what these answers say must rest. Each change is its own statement."""
    for one in answered:
        answer, route = one.answer, one.claimed.route
        if answer.cause.scope is Scope.REQUEST:
            continue
        reason = f"{answer.cause.value} ({answer.code})"
        if answer.cause is Cause.CONNECTION:
            if route.token is not None:
                probe_at = now + seconds(PROBE_EVERY_S)
                connections.mark_broken(db, route.connection, route.token, reason, now, probe_at)
            continue
        before = (
            route.app_paused_until
            if answer.cause.scope is Scope.APP
            else route.ad_account_paused_until
        )
        pause_s = longer_pause(answer, one.claimed.started_at, before)
        if pause_s is None:
            continue
        until = now + min(seconds(pause_s), windows.pause_most)
        if answer.cause.scope is Scope.APP:
            permits.pause(db, route.app, until, reason, now)
        else:
            connections.pause_ad_account(db, route.ad_account, until, reason, now)
