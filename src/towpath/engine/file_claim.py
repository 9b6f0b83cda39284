"""The claim of a Customer File audience: one update, of everybody who is due.

A streaming audience takes requests by the second, each of a few thousand people; this one takes an
update an hour, of anybody. So everybody who is due for an action goes at once, removals before
additions, and retries with them. Once a day everybody who is wanted goes, in place of whoever is in
the audience: what drifted apart is whole again. Architecture 5; docs/transports.md.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from towpath.clock import Instant, seconds
from towpath.engine.claim import Claimant, Claimed, claimed_of
from towpath.engine.shared_keys import settle_shared
from towpath.ledger.due import Group, due_groups
from towpath.ledger.events import SetByField
from towpath.limits import (
    CLAIM_REQUESTS_MAX,
    FILE_LOOK_S,
    FILE_PEOPLE_MIN,
    FILE_UPDATE_EVERY_S,
    FILE_UPDATE_PEOPLE_MAX,
)
from towpath.partners.protocol import Cause
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import file_updates, ledgers, requests
from towpath.store.audiences import Route
from towpath.store.database import Db
from towpath.store.file_updates import DAY, Standing
from towpath.store.ledgers import Ledger
from towpath.store.requests import NewRequest


@dataclass(frozen=True, slots=True)
class _Update:
    """Who goes by one update. `omitted`: by field, whose key stays behind."""

    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet
    omitted: SetByField
    whole: bool = False


def claim_update(db: Db, route: Route, claimant: Claimant, now: Instant) -> list[Claimed]:
    """Write the update that may leave now, if any, and return it. Nothing is sent here."""
    windows = claimant.windows.of(by_files=True)
    with db.transaction():
        ledger = ledgers.lock(db, route.audience)
        standing = file_updates.standing(db, route.audience, now)
        ledger.head.look_at = free_at = standing.free_at(now)
        found: list[Claimed] = []
        if free_at <= now:
            work = [block for block, *_ in ledgers.blocks_with_work(db, ledger)]
            ledgers.open_blocks(db, ledger, work)
            new = _next(db, ledger, route, standing, windows.give_up, now)
            if new is not None:
                lease = requests.Claim(claimant.next_holder(), now, now + windows.lease)
                ids = requests.write(db, ledger.head, lease, [new], [None])
                found = [claimed_of(ids[0], new, route, ledger, lease, None)]
                ledger.head.look_at = now + seconds(FILE_UPDATE_EVERY_S)
            ledger.head.due_since = None
        ledgers.close(db, ledger, now)
    return found


def _next(
    db: Db, ledger: Ledger, route: Route, standing: Standing, patience: timedelta, now: Instant
) -> NewRequest | None:
    """The request that leaves now; if there is none, the head says when to look again."""
    update = _due(db, ledger, route, standing)
    ledger.head.look_at = None
    if update is None:
        if route.made and ledger.head.created_here and standing.newest_whole is not None:
            ledger.head.look_at = standing.newest_whole + DAY
        return None
    if not route.made and len(update.members) < FILE_PEOPLE_MIN:
        file_updates.extend(db, route.audience, now + patience)
        return None
    piece = Group(update.fields, update.members)
    sendable = settle_shared(db, ledger, update.action, piece, people(), now)
    if not sendable.members:
        ledger.head.look_at = now + seconds(FILE_LOOK_S)
        return None
    return NewRequest(
        update.action,
        update.fields,
        sendable.members,
        sendable.sharing,
        sendable.coholders,
        _joined(update, sendable.omitted, sendable.members),
        _tries(db, route, update.action, now),
        # Who waits for somebody with the same key must not be replaced away meanwhile.
        whole=update.whole and sendable.members == update.members,
    )


def _due(db: Db, ledger: Ledger, route: Route, standing: Standing) -> _Update | None:
    """Who goes next: who must leave; once a day everybody wanted; else who must come."""
    nobody = people()
    if route.made and (leaving := due_groups(ledger.state, Action.REMOVE, nobody)):
        return _together(Action.REMOVE, leaving)
    if route.made and ledger.head.created_here and standing.newest_whole is None:
        whole = _everybody(db, ledger)
        if len(whole.members) >= FILE_PEOPLE_MIN:
            return whole
    if coming := due_groups(ledger.state, Action.ADD, nobody):
        # An audience is made of whoever comes first: the day's whole update.
        return replace(_together(Action.ADD, coming), whole=not route.made)
    return None


def _together(action: Action, groups: list[Group]) -> _Update:
    """All groups as one update: of each field the keys of those who are due for it."""
    members = union(group.members for group in groups)[:FILE_UPDATE_PEOPLE_MAX]
    fields = tuple(found for found in MatchField if any(found in one.fields for one in groups))
    omitted = {
        found: members - union(one.members for one in groups if found in one.fields)
        for found in fields
    }
    return _Update(action, fields, members, {name: left for name, left in omitted.items() if left})


def _everybody(db: Db, ledger: Ledger) -> _Update:
    """Everybody who is wanted and has a key, by each field that they are wanted by."""
    ledgers.open_blocks(db, ledger, ledgers.all_blocks(db, ledger))
    wanted = {}
    for match_field in ledger.fields:
        sets = ledger.state.of(match_field)
        wanted[match_field] = sets.want - sets.keyless - sets.parked
    members = union(wanted.values())
    omitted = {
        name: members - found - ledger.state.of(name).keyless for name, found in wanted.items()
    }
    fields = tuple(name for name, found in wanted.items() if found)
    left_out = {name: omitted[name] for name in fields if omitted[name]}
    cut = members[:FILE_UPDATE_PEOPLE_MAX]
    return _Update(Action.ADD, fields, cut, left_out, whole=cut == members)


def _joined(update: _Update, shared: SetByField, members: PeopleSet) -> SetByField:
    found = {
        name: (update.omitted.get(name, people()) | shared.get(name, people())) & members
        for name in update.fields
    }
    return {name: left for name, left in found.items() if left}


def _tries(db: Db, route: Route, action: Action, now: Instant) -> int:
    """Which try this is; what failed before is part of it, and tried no more on its own."""
    tries = 1
    for each in Action:
        found = requests.retries(db, route.audience, each, now, CLAIM_REQUESTS_MAX)
        requests.end_retries(db, [one.id for one in found])
        mine = [one for one in found if each is action]
        costs = [one.tries + Cause(one.cause or Cause.SERVER).costs_try for one in mine]
        tries = max([tries, *costs])
    return tries
