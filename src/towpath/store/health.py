"""Health: what is ill in a workspace, and which Canvases it stops.

It is derived from what partners answered last and from their lists; nothing of it is kept, so it
cannot be out of step. What the causes mean is the partner's to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from psycopg.rows import class_row

from towpath.clock import Instant
from towpath.ids import AudienceId, CanvasId, WorkspaceId
from towpath.store.database import Db
from towpath.store.queries import queries

Subject = Literal["connection", "ad account", "audience", "canvas"]
SAMPLE_EVERY = timedelta(minutes=5)
SAMPLES_KEPT = timedelta(hours=1)
_SQL = queries("health")


@dataclass(frozen=True, slots=True)
class User:
    """A Canvas or segment sync that runs or rests, with a step at an audience."""

    audience: AudienceId
    id: CanvasId
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Ill:
    """A connection, ad account or audience that cannot be sent to.

    `cause` is that of an answer, with or without its code, or what a list of the partner's says;
    `code`, `message` and `partner_request_ref` are the partner's. `stops`: who syncs over it.
    """

    subject: Subject
    number: int
    name: str
    connection: int
    ad_account: int | None
    cause: str
    code: int | None
    message: str | None
    partner_request_ref: str | None
    since: Instant | None
    until: Instant | None
    stops: list[User] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A Canvas whose first pending person came at `since`."""

    canvas: CanvasId
    name: str
    since: Instant


@dataclass(frozen=True, slots=True)
class Failing:
    """How many people of a Canvas were given up and synced within the last hour."""

    canvas: CanvasId
    name: str
    errored: int
    synced: int


def read(db: Db, workspace: WorkspaceId, now: Instant) -> list[Ill]:
    """Whatever is ill, a row each; what is not named is well."""
    given = {"workspace": workspace, "now": now}
    with db.cursor(row_factory=class_row(Ill)) as cursor:
        found = cursor.execute(_SQL["list_ills"], given).fetchall()
    if not found:
        return []
    with db.cursor(row_factory=class_row(User)) as cursor:
        users = cursor.execute(_SQL["list_users"], given).fetchall()
    places = {row[0]: row[1:] for row in db.execute(_SQL["list_places"], given)}
    for ill in found:
        ill.stops.extend(_stopped(ill, users, places))
    return found


def _stopped(
    ill: Ill, users: Sequence[User], places: dict[AudienceId, tuple[int, int]]
) -> list[User]:
    """Each Canvas once, by name."""
    stopped: dict[CanvasId, User] = {}
    for user in users:
        ad_account, connection = places[user.audience]
        where = {"audience": user.audience, "ad account": ad_account, "connection": connection}
        if where.get(ill.subject) == ill.number:
            stopped.setdefault(user.id, user)
    return sorted(stopped.values(), key=lambda user: user.name)


def stale(db: Db, workspace: WorkspaceId, before: Instant) -> list[Waiting]:
    """Running Canvases at which somebody has been pending since before that moment."""
    given = {"workspace": workspace, "before": before}
    return [Waiting(*row) for row in db.execute(_SQL["list_stale"], given)]


def sample(db: Db, now: Instant) -> None:
    """Keep every Canvas' counters once in SAMPLE_EVERY, whoever of the workers comes first, and
    forget those of more than SAMPLES_KEPT ago."""
    at = now - timedelta(seconds=now.timestamp() % SAMPLE_EVERY.total_seconds())
    db.execute(_SQL["write_sample"], {"at": at})
    db.execute(_SQL["forget_samples"], {"before": now - SAMPLES_KEPT - SAMPLE_EVERY})


def failing(db: Db, workspace: WorkspaceId) -> list[Failing]:
    """Canvases where people were given up within the last hour, by the samples."""
    return [Failing(*row) for row in db.execute(_SQL["list_failing"], {"workspace": workspace})]
