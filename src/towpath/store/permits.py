"""Permits: the pace of an app, exact where the partner counts, at arrival.

There are N rows for an app and a class of its endpoints. Why at most N requests arrive in any
second, whatever the network does (reliability, section 4): request i arrives at a(i), and its
answer is here at r(i) >= a(i). Its permit is free again at r(i) + 1 s >= a(i) + 1 s. So, at the
last arrival within a second, the permits of all others that arrived in it are still out; there are
N, hence at most N arrived. Limiters that pace departures (buckets, GCRA) were measured to let 55 to
102 through where 50 were meant, because the network bunches.

This needs two things of the caller. The `now` of `give_back` must be read after the answer, or
after the abort: one read before it would free the permit within the second. And `lease_until` must
lie at least a second after the last moment at which the request may arrive.
"""

from typing import Literal, TypeAlias

from psycopg.rows import scalar_row

from towpath.clock import Instant, seconds
from towpath.ids import AppId
from towpath.store.database import Db
from towpath.store.queries import queries

EndpointClass: TypeAlias = Literal["streaming", "other"]

COOL_S = 1.0
_RETIRED = "retired"
_SQL = queries("permits")


def ensure(db: Db, app: AppId, endpoint_class: EndpointClass, count: int, now: Instant) -> None:
    """See to it that `count` requests a second may leave, no more: missing permits are added free,
    those above are retired, and come back with the time they had."""
    found = {"app": app, "endpoint_class": endpoint_class, "count": count, "now": now}
    with db.transaction():
        db.execute(_SQL["add_permits"], found)
        db.execute(_SQL["retire_permits"], found)


def take(
    db: Db,
    app: AppId,
    endpoint_class: EndpointClass,
    limit: int,
    holder: str,
    now: Instant,
    lease_until: Instant,
) -> list[int]:
    """Take up to `limit` free permits, none while the app is paused. Inside the claim's
    transaction: a claim that is rolled back has taken nothing. Never waits for another taker.

    `holder` must differ from claim to claim (worker and fence, say): only the holder gives back, so
    one who comes back from the dead cannot free a permit that somebody else holds now.
    """
    assert holder != _RETIRED
    assert lease_until > now + seconds(COOL_S), "the lease must outlast the request and a second"
    with db.cursor(row_factory=scalar_row) as cursor:
        taken = cursor.execute(
            _SQL["take_permits"],
            {"app": app, "endpoint_class": endpoint_class, "limit": limit}
            | {"holder": holder, "now": now, "lease_until": lease_until},
        ).fetchall()
    return sorted(taken)


def give_back(
    db: Db,
    app: AppId,
    endpoint_class: EndpointClass,
    holder: str,
    numbers: list[int],
    now: Instant,
) -> int:
    """The answers are here, or the requests were aborted; `now` was read after that. The permits
    are free in one second. Returns how many the holder still had; others wait for their lease."""
    return _free(db, app, endpoint_class, holder, numbers, now + seconds(COOL_S))


def put_back(
    db: Db,
    app: AppId,
    endpoint_class: EndpointClass,
    holder: str,
    numbers: list[int],
    now: Instant,
) -> int:
    """Nothing was sent under these permits: they are free at once. Returns how many."""
    return _free(db, app, endpoint_class, holder, numbers, now)


def next_free(db: Db, app: AppId, endpoint_class: EndpointClass) -> Instant | None:
    """When the next permit may be taken, pauses included; it may lie in the past. None: there are
    no permits at all."""
    with db.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(
            _SQL["read_next_free"], {"app": app, "endpoint_class": endpoint_class}
        ).fetchone()
    assert found is None or isinstance(found, Instant)
    return found


def pause(db: Db, app: AppId, until: Instant, reason: str, now: Instant) -> bool:
    """No permit of the app is taken before `until`, by any worker. Only ever lengthens a pause;
    says whether it did."""
    changed = db.execute(
        _SQL["pause_app"], {"app": app, "until": until, "reason": reason, "now": now}
    )
    return changed.rowcount == 1


def _free(
    db: Db,
    app: AppId,
    endpoint_class: EndpointClass,
    holder: str,
    numbers: list[int],
    free_at: Instant,
) -> int:
    freed = db.execute(
        _SQL["free_permits"],
        {"app": app, "endpoint_class": endpoint_class, "holder": holder}
        | {"numbers": numbers, "free_at": free_at},
    )
    return freed.rowcount
