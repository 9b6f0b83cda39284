"""What an ad account's list of audiences showed last, and names at which one is being made.

The list is a copy of the partner's, so that it is shown and searched without asking; whoever reads
it says how old it is. A name is reserved before the partner is asked, by whoever asks: two clicks
at once make one audience. The reservation outlives a lost answer, and says how long it may still
come true (invariant I-33).
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta

from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from towpath.clock import Instant
from towpath.ids import AdAccountId, AudienceId, PartnerRef, WorkspaceId
from towpath.limits import AUDIENCE_EXPIRING_DAYS
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("audience_listings")


@dataclass(frozen=True, slots=True)
class Line:
    """An audience as the partner lists it; the fields are those of its `PartnerAudience`."""

    partner_ref: PartnerRef
    name: str
    kind: str
    fits: bool
    owned: bool
    shared: bool
    people: int | None
    ready: bool
    expiring: bool
    expires_at: Instant | None

    def expired(self, now: Instant) -> bool:
        """Is it only there to be deleted?"""
        return self.expires_at is not None and self.expires_at <= now

    def expires_soon(self, now: Instant) -> bool:
        """By what the partner said, or because the time has come since (TikTok: under 60 days)."""
        if self.expires_at is None or self.expired(now):
            return self.expiring and not self.expired(now)
        return self.expiring or self.expires_at <= now + timedelta(days=AUDIENCE_EXPIRING_DAYS)

    def unusable(self, now: Instant) -> str:
        """Why it cannot take a sync, in a sentence; empty: it can."""
        if self.expired(now):
            return f"It expired on {self.expires_at:%Y-%m-%d} and can only be deleted."
        if not self.owned:
            return "It is shared with this ad account; only the one that made it can fill it."
        if not self.fits:
            kind = self.kind or "audience of an unknown kind"
            return f"It is a {kind}; only an audience that was made for syncs takes one."
        return ""


@dataclass(frozen=True, slots=True)
class Listed(Line):
    """A line with what we know: our `audience`, whether Towpath made it, and whether another of the
    ad account has the same name."""

    audience: AudienceId | None
    created_here: bool
    namesake: bool


def replace(
    db: Db, workspace: WorkspaceId, ad_account: AdAccountId, lines: Iterable[Line], now: Instant
) -> None:
    """The partner listed these, and no others."""
    rows = [_row(line) for line in lines]
    given = {"workspace": workspace, "ad_account": ad_account, "now": now}
    with db.transaction():
        db.execute(_SQL["note_refreshed"], given)
        db.execute(_SQL["delete_unlisted"], given | {"refs": [one["partner_ref"] for one in rows]})
        db.execute(_SQL["write_listed"], given | {"rows": Jsonb(rows)})


def add(db: Db, workspace: WorkspaceId, ad_account: AdAccountId, line: Line) -> None:
    """One that was made now, or is known now to be there."""
    given = {"workspace": workspace, "ad_account": ad_account, "rows": Jsonb([_row(line)])}
    db.execute(_SQL["write_listed"], given)


def remove(db: Db, ad_account: AdAccountId, partner_ref: PartnerRef) -> None:
    """One that is there no more."""
    db.execute(_SQL["delete_one"], {"ad_account": ad_account, "partner_ref": partner_ref})


def refreshed_at(db: Db, ad_account: AdAccountId) -> Instant | None:
    """When the partner was asked last; None: never."""
    with db.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(_SQL["read_refreshed"], {"ad_account": ad_account}).fetchone()
    assert found is None or isinstance(found, Instant)
    return found


def page(
    db: Db,
    workspace: WorkspaceId,
    ad_account: AdAccountId,
    *,
    search: str = "",
    after: str = "",
    limit: int,
) -> list[Listed]:
    """Up to `limit` audiences, the newest first, from the one after the id `after`. `search`: a
    part of the name, whatever its case, or the beginning of the id."""
    given = {"workspace": workspace, "ad_account": ad_account, "search": search, "after": after}
    with db.cursor(row_factory=class_row(Listed)) as cursor:
        return cursor.execute(_SQL["list_page"], given | {"limit": limit}).fetchall()


def owned(db: Db, workspace: WorkspaceId, ad_account: AdAccountId) -> int:
    """How many the ad account owns, of every kind: the partner bounds them."""
    given = {"workspace": workspace, "ad_account": ad_account}
    with db.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(_SQL["count_owned"], given).fetchone() or 0)


@dataclass(frozen=True, slots=True)
class Name:
    """A name in an ad account of a partner, and who would make an audience of it."""

    partner: str
    ad_account_ref: PartnerRef
    name: str
    holder: str

    def reserve(self, db: Db, held_until: Instant, now: Instant) -> tuple[bool, Instant | None]:
        """Take the name until then, unless somebody has it. Gives whether it was taken, and until
        when an earlier call may still come true."""
        row = db.execute(_SQL["reserve"], self._given(now=now, held_until=held_until)).fetchone()
        return row is not None, row[0] if row else None

    def note_unsure(self, db: Db, until: Instant) -> None:
        """A call leaves now; whatever is heard of it, it may come true until then."""
        db.execute(_SQL["note_unsure"], self._given(until=until))

    def let_go(self, db: Db, now: Instant) -> None:
        """Nobody asks any more, but a call may still come true."""
        db.execute(_SQL["let_go"], self._given(now=now))

    def free(self, db: Db) -> None:
        """It is known what came of it."""
        db.execute(_SQL["free"], self._given())

    def _given(self, **more: object) -> dict[str, object]:
        return asdict(self) | more


def _row(line: Line) -> dict[str, object]:
    expires = line.expires_at
    return asdict(line) | {"expires_at": None if expires is None else expires.isoformat()}
