"""When a Customer File audience takes its next update, by the updates that it took.

TikTok takes 24 updates within a day and audience, one of them a replacement, each when the one
before it is done (tiktok-api, section 6); ad accounts take a call a second, so theirs go one after
the other. Nothing of this is kept beside the requests.
"""

from dataclasses import dataclass
from datetime import timedelta

from psycopg.rows import class_row

from towpath.clock import Instant, seconds
from towpath.ids import AudienceId, ConnectionId, PartnerRef, WorkspaceId
from towpath.limits import FILE_LOOK_S, FILE_UPDATE_EVERY_S, FILE_UPDATES_PER_DAY
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("file_updates")
DAY = timedelta(hours=25)
"""A day, and an hour: the partner counts from when it accepted, which is after all uploads."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An audience's updates of the last day. `retry_at`: when the newest failed one is tried
    again; `flying`: a request of the ad account is in flight."""

    updates: int
    oldest: Instant | None
    newest: Instant | None
    newest_whole: Instant | None
    retry_at: Instant | None
    flying: bool

    def free_at(self, now: Instant) -> Instant:
        """When the next update may leave: not before `now`."""
        waits = [now]
        if self.flying:
            waits.append(now + seconds(FILE_LOOK_S))
        if self.retry_at is not None:
            waits.append(self.retry_at)
        if self.newest is not None:
            waits.append(self.newest + seconds(FILE_UPDATE_EVERY_S))
        if self.oldest is not None and self.updates >= FILE_UPDATES_PER_DAY:
            waits.append(self.oldest + DAY)
        return max(waits)


def standing(db: Db, audience: AudienceId, now: Instant) -> Standing:
    """What the audience took within a day."""
    with db.cursor(row_factory=class_row(Standing)) as cursor:
        given = {"audience": audience, "since": now - DAY}
        found = cursor.execute(_SQL["read_standing"], given).fetchone()
    assert found is not None
    return found


def extend(db: Db, audience: AudienceId, until: Instant) -> None:
    """The audience takes nothing now: whoever waits for it has until then."""
    db.execute(_SQL["extend_deadlines"], {"audience": audience, "until": until})


@dataclass(frozen=True, slots=True)
class FileAudience:
    """A Customer File audience."""

    id: AudienceId
    name: str
    partner_ref: PartnerRef
    connection: ConnectionId


def list_all(db: Db, workspace: WorkspaceId) -> list[FileAudience]:
    """The workspace's audiences that files fill, by name."""
    with db.cursor(row_factory=class_row(FileAudience)) as cursor:
        return cursor.execute(_SQL["list_audiences"], {"workspace": workspace}).fetchall()
