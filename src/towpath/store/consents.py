"""Consents: who may be sent to partners, and what follows when somebody may not any more.

Whoever withdraws consent, opts out of sharing, or turns out to be a minor leaves every audience of
every connection in the transaction that says so, by whatever way in it came: like people who go
(`stray_keys`), but their profile stays, and granted consent lets them in again at their next
arrival. A request that is on its way out is told too: the courier leaves them out of its body, and
its answer does not count for them. Invariant I-58.
"""

from towpath.clock import Instant
from towpath.ids import RequestId, WorkspaceId
from towpath.people.people_set import PeopleSet, dump, load, people
from towpath.store import stray_keys, wakes, workspaces
from towpath.store.database import Db, Int4Array, int4_array
from towpath.store.number_sets import unpacked
from towpath.store.queries import queries
from towpath.store.stray_keys import Reason
from towpath.store.workspaces import Workspace

_SQL = queries("consents")


def sendable(db: Db, numbers: Int4Array, now: Instant) -> PeopleSet:
    """Of these people: who may be sent. One query."""
    given = {"numbers": numbers, "day": now.date()}
    row = db.execute(_SQL["read_sendable"], given, binary=True).fetchone()
    return unpacked(row[0] if row else None)


def barred_by_merge(db: Db, workspace: WorkspaceId, now: Instant) -> PeopleSet:
    """Of the people that `profiles.write` merged: who may not be sent any more. Before they are
    written."""
    given = {"workspace": workspace, "day": now.date()}
    row = db.execute(_SQL["find_barred"], given, prepare=False, binary=True).fetchone()
    return unpacked(row[0] if row else None)


def change_rules(db: Db, wanted: Workspace, now: Instant) -> Workspace:
    """Give a workspace these settings. Where they are stricter, whoever may not be sent any more
    leaves every audience in the same transaction, which reads every profile once."""
    with db.transaction():
        workspaces.lock(db, wanted.id)
        before = workspaces.read(db, wanted.id)
        changed = workspaces.change(
            db,
            wanted.id,
            default_country=wanted.default_country,
            unknown_consent_is_sent=wanted.unknown_consent_is_sent,
            fields_allowed=wanted.fields_allowed,
            age_min=wanted.age_min,
            purposes=wanted.purposes,
        )
        if changed.lets_fewer_go(before):
            _enforce(db, wanted.id, now)
            wakes.wake(db)
    return changed


def _enforce(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    given = {"workspace": workspace, "day": now.date()}
    row = db.execute(_SQL["read_barred"], given, binary=True).fetchone()
    let_go(db, workspace, unpacked(row[0] if row else None), now)


def let_go(db: Db, workspace: WorkspaceId, members: PeopleSet, now: Instant) -> None:
    """Let these people leave every audience; they are barred already, in this transaction under
    `workspaces.lock`."""
    if not members:
        return
    stray_keys.turn_all(db, workspace, members, Reason.OPT_OUT, now)
    leave_out(db, workspace, members)


def leave_out(db: Db, workspace: WorkspaceId, members: PeopleSet) -> None:
    """Tell requests in flight that add these people; when the audiences are locked."""
    given = {"workspace": workspace, "low": members.min(), "high": members.max()}
    rows = db.execute(_SQL["read_adding"], given, binary=True).fetchall()
    left = [(dump(load(row[2]) | mine), row[0]) for row in rows if (mine := load(row[1]) & members)]
    if left:
        db.cursor().executemany(_SQL["write_left"], left)


def left_since(db: Db, request: RequestId, now: Instant) -> PeopleSet:
    """Who of an adding request may not be sent any more since it was claimed. One look, and a
    second only when something of it changed."""
    row = db.execute(_SQL["read_left"], (request,), binary=True).fetchone()
    changed = load(row[1]) if row else people()
    return changed - sendable(db, int4_array(changed), now) if changed else changed
