"""What an answer stops beyond its own request: the app, the connection, the ad account.

Throttling pauses its scope for every worker and costs no try; a refused token breaks the connection
until a probe or a new token mends it. Architecture 5, rule 9; reliability 5.4.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from towpath import telemetry
from towpath.clock import Instant, seconds
from towpath.engine.courier import Answered
from towpath.ids import AudienceId
from towpath.ledger.windows import Windows
from towpath.partners.protocol import Answer, Cause, Scope, longer_pause
from towpath.store import connections, permits
from towpath.store.database import Db
from towpath.telemetry import Event

PROBE_EVERY_S = 60.0


@dataclass(slots=True)
class Changes:
    """What a worker has told of: a change is a line of the log, a request is none."""

    _rests: dict[tuple[Scope, int, str], Instant] = field(default_factory=dict)
    _troubles: set[AudienceId] = field(default_factory=set)

    def paused(self, scope: Scope, number: int, until: Instant, reason: str, now: Instant) -> None:
        """An app or ad account rests until then; a rest that goes on, or begins again within a
        minute for the same reason, is not news."""
        before = self._rests.get((scope, number, reason))
        self._rests[scope, number, reason] = until
        if before is None or before + seconds(PROBE_EVERY_S) <= now:
            named = {scope.value.replace(" ", "_"): number}
            warning = logging.WARNING
            telemetry.tell(Event.SCOPE_PAUSED, level=warning, **named, until=until, reason=reason)

    def answered(self, audience: AudienceId, answer: Answer) -> None:
        """An audience is in trouble from its first such answer until one is applied."""
        if answer.applied:
            self._troubles.discard(audience)
        elif answer.cause is Cause.AUDIENCE and audience not in self._troubles:
            self._troubles.add(audience)
            level = logging.ERROR
            telemetry.tell(Event.AUDIENCE_TROUBLE, level=level, audience=audience, code=answer.code)


def rest(
    db: Db, answered: Iterable[Answered], now: Instant, windows: Windows, changes: Changes
) -> None:
    """Pause or break what these answers say must rest. Each change is its own statement."""
    for one in answered:
        answer, route = one.answer, one.claimed.route
        if answer.cause.scope is Scope.REQUEST:
            changes.answered(route.audience, answer)
            continue
        reason = f"{answer.cause.value} ({answer.code})"
        if answer.cause is Cause.CONNECTION:
            if route.token is not None:
                probe_at = now + seconds(PROBE_EVERY_S)
                broken, token = route.connection, route.token
                if connections.mark_broken(db, broken, token, reason, now, probe_at):
                    level = logging.ERROR
                    telemetry.tell(
                        Event.CONNECTION_BROKEN, level=level, connection=broken, reason=reason
                    )
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
            if permits.pause(db, route.app, until, reason, now):
                changes.paused(Scope.APP, route.app, until, reason, now)
        elif connections.pause_ad_account(db, route.ad_account, until, reason, now):
            changes.paused(Scope.AD_ACCOUNT, route.ad_account, until, reason, now)
