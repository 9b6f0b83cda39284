"""The pulse of a service: since when it has ticked without a gap.

Nobody is given up on for an outage of ours: an attempt counts only if it began in the present
steady time (architecture 5, rule 8).
"""

from datetime import timedelta

from towpath.clock import Instant
from towpath.limits import OUTAGE_S
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("pulses")


def beat(db: Db, service: str, now: Instant) -> Instant:
    """The service ticks at `now`; gives since when it has done so without an outage."""
    row = db.execute(
        _SQL["beat"], {"service": service, "now": now, "outage": timedelta(seconds=OUTAGE_S)}
    ).fetchone()
    assert row is not None
    since: Instant = row[0]
    return since
