"""The prober: asks once a minute whether a broken connection works again.

A refused probe counts as an attempt for everybody who waits behind the connection (rule 8); an
accepted one wakes them all.
"""

from dataclasses import dataclass
from datetime import timedelta

from towpath import telemetry
from towpath.clock import Instant, seconds
from towpath.engine.scopes import PROBE_EVERY_S
from towpath.partners.protocol import Answer, Cause
from towpath.store import connections, ledgers
from towpath.store.connections import Probe, StreamingAsk
from towpath.store.database import Db
from towpath.telemetry import Event

PROBES_MAX = 8


@dataclass(slots=True)
class Prober:
    """The service that claims probes and notes their answers; the loop sends them in between."""

    db: Db

    def due(self, now: Instant) -> list[Probe]:
        """Probes to send now, each claimed by this worker alone."""
        return connections.claim_probes(self.db, PROBES_MAX, now, now + seconds(PROBE_EVERY_S))

    def asks(self, now: Instant) -> list[StreamingAsk]:
        """Connections by files to ask for now whether they may stream: once a day each."""
        before = now - timedelta(days=1)
        found = connections.claim_streaming_asks(self.db, PROBES_MAX, now, before)
        return [one for one in found if one.ad_account_ref is not None]

    def note_asked(self, ask: StreamingAsk, may: bool | None, now: Instant) -> None:
        """What the partner answered."""
        if may:
            connections.note_streaming(self.db, ask.id, now)
            telemetry.tell(Event.MAY_STREAM, connection=ask.id)

    def note(self, probe: Probe, answer: Answer, now: Instant) -> None:
        """What the partner answered: mended, or still refused."""
        if answer.applied:
            if connections.mark_ready(self.db, probe.id, probe.token):
                ledgers.wake_connection(self.db, probe.id, now)
                telemetry.tell(Event.CONNECTION_READY, connection=probe.id)
        elif answer.cause is Cause.CONNECTION:
            connections.note_refused_probe(
                self.db, probe.id, answer.code, answer.partner_request_ref, now
            )
