"""Erasures: people are forgotten, here and at every partner, with a receipt.

In one transaction their consent is withdrawn, their identifiers get tombstones, whoever shares one
loses it, their personal data goes, they leave every Canvas, and every key of theirs is on its way
out of every audience. The receipt tells of each audience "due", "requested" and "confirmed"
(store/stray_receipts.py). Only when all is confirmed are the keys deleted, without which nothing
could be removed; the receipt is then kept as it stands. Invariants I-55 and I-56.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from towpath.clock import Instant
from towpath.errors import InputError, NotFoundError
from towpath.ids import WorkspaceId
from towpath.limits import ERASED_PEOPLE_MAX
from towpath.people.people_set import PeopleSet, load, people, union
from towpath.store import audit_trail, stray_receipts, tombstones, wakes, workspaces
from towpath.store.database import Db, int4_array
from towpath.store.number_sets import unpacked
from towpath.store.partings import Parting, part
from towpath.store.queries import queries
from towpath.store.stray_keys import Reason
from towpath.store.stray_receipts import Removal

_SQL = queries("erasures")


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure as it stands. `people`: who were there; `unknown`: external ids that were
    nobody's; `others`: people who shared an identifier and lost it. `receipt`: an object for each
    audience in which somebody may have been."""

    id: int
    asked_by: str
    asked_at: Instant
    people: int
    unknown: int
    others: int
    strays: list[int]
    confirmed_at: Instant | None
    receipt: list[dict[str, Any]] | None

    @property
    def state(self) -> str:
        """Of all audiences together: 'due', 'requested' or 'confirmed'."""
        if self.confirmed_at:
            return "confirmed"
        return "due" if any(one["state"] == "due" for one in self.receipt or ()) else "requested"


def erase(
    db: Db, workspace: WorkspaceId, external_ids: Sequence[str], actor: str, now: Instant
) -> Erasure:
    """Erase the people of these external ids in one transaction; gives the receipt as it begins.

    At most ERASED_PEOPLE_MAX at once. Ids that are nobody's are counted and passed over. Raises
    InputError, and NotFoundError when all of them are nobody's. `actor` stands in the audit trail.
    """
    names = sorted(set(external_ids))
    if len(names) > ERASED_PEOPLE_MAX:
        raise InputError(
            f"{len(names):,} people are more than can be erased at once.",
            remedy=f"Erase at most {ERASED_PEOPLE_MAX:,} at a time.",
            field="external_ids",
        )
    with db.transaction():
        workspaces.close_gate(db, workspace)
        row = db.execute(_SQL["find_named"], (workspace, names), binary=True).fetchone()
        members = unpacked(row[0] if row else None)
        if not members:
            raise NotFoundError(
                "None of these external ids is anybody's.",
                remedy="Check them: who was deleted or erased before has none any more.",
                field="external_ids",
            )
        counted = (workspace, actor, now, len(members), len(names) - len(members))
        made = db.execute(_SQL["insert_erasure"], counted).fetchone()
        assert made is not None
        erasure = int(made[0])
        _forget(db, workspace, members, erasure, now)
        told = {"people": len(members)}
        audit_trail.append(db, workspace, actor, "people.erased", f"erasure {erasure}", told, now)
        wakes.wake(db)
    return read(db, workspace, erasure)


def _forget(db: Db, workspace: WorkspaceId, members: PeopleSet, erasure: int, now: Instant) -> None:
    given = {"workspace": workspace, "members": int4_array(members), "now": now}
    db.execute(queries("deletions")["withdraw_consent"], given)  # first: no wish shields their keys
    newest = db.execute(_SQL["read_newest_stray"], (workspace,)).fetchone()
    assert newest is not None
    tombstones.bury(db, workspace, members, erasure)
    others = tombstones.strip_others(db, workspace, members, now)
    part(db, workspace, members, Parting.ERASED, now)
    written = {"workspace": workspace, "erasure": erasure, "before": newest[0]}
    db.execute(_SQL["write_strays"], written | {"others": len(others)})


def read(db: Db, workspace: WorkspaceId, erasure: int) -> Erasure:
    """An erasure with its receipt as of now. Raises NotFoundError."""
    with db.cursor(row_factory=class_row(Erasure)) as cursor:
        found = cursor.execute(_SQL["read_erasure"], (workspace, erasure)).fetchone()
    if found is None:
        raise NotFoundError("There is no such erasure in this workspace.")
    if found.receipt is None:
        found = replace(found, receipt=_receipt(db, workspace, found.strays))
    return found


def read_page(db: Db, workspace: WorkspaceId, *, after: int, limit: int) -> list[Erasure]:
    """Erasures in their order, from the one after id `after`; open ones without their receipt."""
    with db.cursor(row_factory=class_row(Erasure)) as cursor:
        return cursor.execute(_SQL["list_erasures"], (workspace, after, limit)).fetchall()


def confirm_next(db: Db, now: Instant) -> bool:
    """Confirm an erasure whose people are out of every audience, and delete their keys; says
    whether there was one."""
    row = db.execute(_SQL["read_out"]).fetchone()
    if row is None:
        return False
    workspace, erasure = WorkspaceId(row[0]), int(row[1])
    with db.transaction():
        workspaces.lock(db, workspace)
        found = read(db, workspace, erasure)
        if found.confirmed_at is None:
            rows = db.execute(_SQL["read_members"], (found.strays,), binary=True)
            stray_receipts.forget(db, union([people(), *(load(one[0]) for one in rows)]))
            db.execute(_SQL["confirm"], (now, Jsonb(found.receipt), erasure))
            place = f"erasure {erasure}"
            audit_trail.append(db, workspace, "towpath", "erasure.confirmed", place, {}, now)
    return True


def _receipt(db: Db, workspace: WorkspaceId, strays: Sequence[int]) -> list[dict[str, Any]]:
    """For each audience: whose keys are leaving it, how far that is, and by which requests."""
    found = [stray_receipts.trace(db, workspace, one) for one in strays]
    places = stray_receipts.places(db, (trace.audience for one in found for trace in one.traces))
    told = []
    for one in found:
        for trace in one.traces:
            name, audience_ref, ad_account_ref = places[trace.audience]
            told.append(
                {
                    "audience": trace.audience,
                    "name": name,
                    "audience_ref": audience_ref,
                    "ad_account_ref": ad_account_ref,
                    "whose": "theirs" if one.reason is Reason.ERASED else "others",
                    "state": trace.state,
                    "people": len(trace.members),
                    "requested": len(trace.requested),
                    "confirmed": len(trace.confirmed),
                    "requests": [_told(removal) for removal in trace.removals],
                }
            )
    return told


def _told(removal: Removal) -> dict[str, Any]:
    return {
        "request": removal.request,
        "request_id": removal.partner_request_ref,
        "state": removal.state,
        "started_at": removal.started_at.isoformat(),
        "answered_at": removal.answered_at and removal.answered_at.isoformat(),
        "window_end": removal.window_end and removal.window_end.isoformat(),
        "people": removal.people,
    }
