"""Stray keys: keys that are to leave every audience, because they changed or their person goes.

A key belongs to a profile number, and the ledger knows numbers. So when a key changes, the old one
gets a *number of its own*, gone from the first and led to its owner, that inherits whatever the old
key may still do: it may be in, it is in flight, its windows are open. From there the ledger's own
rules remove it, shield it while somebody wanted holds it, and repeat it when windows end. Who is
deleted, merged, erased or opts out keeps their number. Either way a *stray* is a set of numbers,
with the audiences in which they may be. Architecture 5, Keys; invariants I-27 to I-29.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from towpath.clock import Instant, seconds
from towpath.ids import AudienceId, RequestId, WorkspaceId
from towpath.ledger.arrivals import Closing, supersede
from towpath.ledger.events import Arrived, Marked, MarkKind, SetByField
from towpath.limits import FLUSH_S
from towpath.people.action import Action
from towpath.people.key_group import SharedKey
from towpath.people.match_field import ALL_FIELDS, MatchField, fields_of
from towpath.people.people_set import PeopleSet, blocks, dump, load, numbers, people, union
from towpath.store import arrivals, ledgers, requests, resends, shared_keys, tallies
from towpath.store.arrivals import OpenArrivals
from towpath.store.database import Db, int4_array, int4_array_of
from towpath.store.ledgers import Ledger
from towpath.store.number_sets import unpacked
from towpath.store.queries import queries

_SQL = queries("stray_keys")


class Reason(StrEnum):
    """Why keys are to leave."""

    CHANGED = "changed"
    MERGED = "merged"
    DELETED = "deleted"
    ERASED = "erased"
    OPT_OUT = "opt out"


def lock_audiences(db: Db, workspace: WorkspaceId) -> list[AudienceId]:
    """Lock every audience of the workspace in one order, so that nobody is claimed meanwhile."""
    return [AudienceId(row[0]) for row in db.execute(_SQL["lock_audiences"], (workspace,))]


# A key changes.


@dataclass(frozen=True, slots=True)
class _Changes:
    """By field: whose key changes, is gained or lost; and of them, who had one before."""

    changed: SetByField
    had: SetByField

    @property
    def everybody(self) -> PeopleSet:
        return union(self.changed.values())


@dataclass(slots=True)
class _Known:
    """What an audience knows of people whose keys change. `there`: by field, whose old key may be
    in or come in, or is on its way out."""

    ledger: Ledger
    alive: list["_Alive"]
    there: dict[MatchField, PeopleSet] = field(default_factory=dict)
    changed: dict[MatchField, PeopleSet] = field(default_factory=dict)


@dataclass(slots=True)
class _Alive:
    """A request in flight, or with an open window."""

    id: RequestId
    fields: tuple[MatchField, ...]
    in_flight: bool
    members: PeopleSet
    changed: PeopleSet
    heirs: PeopleSet


def follow_changes(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """What the changes in `key_change` mean for every audience; in the transaction that makes them.

    Called before they are written to `match_key`. The numbers of old keys are added to
    `key_change`, so that their keys are written, and found to be shared, like any other's. People
    who had no keys cost one small query.
    """
    row = db.execute(_SQL["read_changes"], prepare=False, binary=True).fetchone()
    assert row is not None
    sets = [unpacked(packed) for packed in row]
    changes = _Changes(
        dict(zip(ALL_FIELDS, sets[:4], strict=True)), dict(zip(ALL_FIELDS, sets[4:], strict=True))
    )
    if not changes.everybody:
        return
    known = [
        found for one in _near(db, workspace, changes) if (found := _look(db, one, changes, now))
    ]
    owners = union(one.there[name] & changes.had[name] for one in known for name in one.there)
    strays = _draw(db, workspace, owners, now)
    stray = Stray(Reason.CHANGED, strays.everybody)
    for one in known:
        stray.inside[one.ledger.head.audience] = _change(db, one, changes, strays, now)
    if owners:
        _write(db, workspace, stray, now)


def _near(db: Db, workspace: WorkspaceId, changes: _Changes) -> list[AudienceId]:
    """Audiences that may know somebody of them. All are locked first: nobody comes meanwhile."""
    audiences = lock_audiences(db, workspace)
    members = changes.everybody
    given = {"audiences": list(audiences), "blocks": list(blocks(members))}
    span = {"low": members.min(), "high": members.max()}
    return [AudienceId(row[0]) for row in db.execute(_SQL["read_near"], given | span)]


def _look(db: Db, audience: AudienceId, changes: _Changes, now: Instant) -> _Known | None:
    """What the audience knows of these people; None: nothing."""
    ledger = ledgers.lock(db, audience)
    resends.end_windows(db, ledger, now)  # or what is repeated would be the new key
    ledgers.open_people(db, ledger, changes.everybody)
    found = _Known(ledger, _alive(db, audience, changes.everybody, now))
    for name in ledger.fields:
        sets, changed = ledger.state.of(name), changes.changed[name]
        carried = union(one.members for one in found.alive if name in one.fields)
        if there := changed & (sets.acked | sets.maybe | carried):
            found.there[name] = there
        if known := changed & (sets.acked | sets.keyless):
            found.changed[name] = known
    if found.there or found.changed:
        return found
    if ledger.fresh:
        ledgers.close(db, ledger, now)
    return None


def _alive(db: Db, audience: AudienceId, members: PeopleSet, now: Instant) -> list[_Alive]:
    span = {"low": members.min(), "high": members.max()}
    rows = db.execute(_SQL["read_alive"], span | {"audience": audience, "now": now}, binary=True)
    found = [_Alive(RequestId(r[0]), fields_of(r[1]), r[2], *map(load, r[3:])) for r in rows]
    return [one for one in found if one.members & members]


@dataclass(frozen=True, slots=True)
class _Strays:
    """Numbers for old keys: the nth, in rising order, is of the nth owner."""

    owners: PeopleSet
    numbers: np.ndarray[tuple[int], np.dtype[np.uint32]]

    @property
    def everybody(self) -> PeopleSet:
        return people(self.numbers)

    def of(self, members: PeopleSet) -> PeopleSet:
        """The numbers for the old keys of those of `members` who had one that was anywhere."""
        places = np.searchsorted(numbers(self.owners), numbers(self.owners & members))
        return people(self.numbers[places])


def _draw(db: Db, workspace: WorkspaceId, owners: PeopleSet, now: Instant) -> _Strays:
    if not owners:
        return _Strays(owners, np.empty(0, np.uint32))
    row = db.execute(_SQL["draw_numbers"], (len(owners),)).fetchone()
    assert row is not None
    drawn = np.sort(np.array(row[0], np.uint32))
    given = {"workspace": workspace, "now": now}
    given |= {"numbers": int4_array_of(drawn), "owners": int4_array(owners)}
    db.execute(_SQL["insert_strays"], given)
    db.execute(_SQL["insert_stray_keys"], given, prepare=False)
    return _Strays(owners, drawn)


def _change(db: Db, known: _Known, changes: _Changes, strays: _Strays, now: Instant) -> PeopleSet:
    """Write to one audience what the changes mean; gives the strays that may be in it."""
    ledger, found = known.ledger, [people()]
    for name, changed in known.changed.items():
        ledgers.mark(db, ledger, Marked(MarkKind.CHANGED, (name,), changed), now)
    for name, there in known.there.items():
        heirs = strays.of(there & changes.had[name])
        if heirs:
            ledgers.open_people(db, ledger, heirs)
            ledgers.mark(db, ledger, Marked(MarkKind.STRAY, (name,), heirs), now)
            found.append(heirs)
    for one in known.alive:
        mine = {name: one.members & changes.changed[name] for name in one.fields}
        heirs = union(strays.of(mine[name] & changes.had[name]) for name in one.fields)
        changed = union(mine.values()) if one.in_flight else people()
        if heirs or changed:
            row = (dump(one.changed | changed), dump(one.heirs | heirs), one.id)
            db.execute(_SQL["write_changed"], row)
    ledger.due(now, seconds(FLUSH_S))
    ledgers.close(db, ledger, now)
    return union(found)


# People go.


@dataclass(slots=True)
class Stray:
    """Numbers whose keys are to leave, and by audience who of them may be in it."""

    reason: Reason
    members: PeopleSet
    inside: dict[AudienceId, PeopleSet] = field(default_factory=dict)


def turn_all(
    db: Db, workspace: WorkspaceId, members: PeopleSet, reason: Reason, now: Instant
) -> int:
    """Let every key of these people leave every audience of the workspace; gives the stray's id,
    by which `trace` follows it.

    In the caller's transaction, under `workspaces.lock`. They are wanted nowhere any more, and what
    they still wait for is superseded; whoever is in flight is removed after the answer. Their keys
    are removed though others want them only if their consent is withdrawn: do that first, in the
    same transaction. Earlier keys of theirs are followed too. Whole sets, whatever their size.
    """
    span = {"low": members.min(), "high": members.max(), "members": int4_array(members)}
    row = db.execute(_SQL["read_earlier"], span, binary=True).fetchone()
    everybody = members | unpacked(row[0] if row else None)
    stray = Stray(reason, everybody)
    # Of who goes for good the others lose the key (tombstones.py), or keep it.
    keys = _withdrawn_keys(db, workspace, everybody) if reason is Reason.OPT_OUT else []
    holders = union([people(), *(key.holders for key in keys)])
    left: list[tuple[Ledger, OpenArrivals, Closing]] = []
    for audience in lock_audiences(db, workspace):
        ledger = ledgers.lock(db, audience)
        if not ledger.head.seq:
            continue
        resends.end_windows(db, ledger, now)
        ledgers.open_people(db, ledger, everybody | holders)
        if keys:
            _mark_held_by_others(db, ledger, everybody, keys, now)
        opened, closing = _want_no_more(db, ledger, everybody, reason, now)
        stray.inside[audience] = _inside(db, ledger, everybody, now)
        if ledger.fresh or closing.closed or stray.inside[audience]:
            left.append((ledger, opened, closing))
    places = {place for _, opened, _ in left for place in opened.places.values()}
    tallies.add(db, {place: tallies.Change() for place in places})  # locks them in their order
    for ledger, opened, closing in left:
        arrivals.write_closed(db, ledger.head.audience, opened, closing, now)
        ledgers.close(db, ledger, now)
    return _write(db, workspace, stray, now)


def _withdrawn_keys(db: Db, workspace: WorkspaceId, members: PeopleSet) -> list[SharedKey]:
    """Keys that these people share with others and that may not be anywhere: consent is
    withdrawn."""
    keys = shared_keys.holders(db, workspace, members)
    return [key for key in keys if key.withdrawn & members and key.holders - members]


def _mark_held_by_others(
    db: Db, ledger: Ledger, members: PeopleSet, keys: list[SharedKey], now: Instant
) -> None:
    """A key may be in by somebody else who holds it. Whose consent counts for it may be in too, so
    that it is removed, and followed until it is out."""
    flying = requests.in_flight(db, ledger.head.audience).members[Action.ADD]
    for key in keys:
        if key.field not in ledger.fields:
            continue
        sets = ledger.state.of(key.field)
        if key.holders & (sets.acked | sets.maybe | flying):
            mine = key.withdrawn & members
            ledgers.mark(db, ledger, Marked(MarkKind.STRAY, (key.field,), mine), now)
    ledger.due(now, seconds(0))


def _want_no_more(
    db: Db, ledger: Ledger, members: PeopleSet, reason: Reason, now: Instant
) -> tuple[OpenArrivals, Closing]:
    """As if a removal had arrived that nobody counts: of who is in flight the answer decides."""
    audience, fields = ledger.head.audience, ledger.fields
    sets = [ledger.state.of(name) for name in fields]
    unwanted = members & union(one.want | one.parked for one in sets)
    if unwanted:
        ledgers.mark(db, ledger, Marked(MarkKind.UNWANTED, fields, unwanted), now, reason.value)
    opened = arrivals.read_open(db, audience, members)
    closing = Closing.of(opened.arrivals)
    if opened.arrivals:
        in_flight = requests.in_flight(db, audience).members[Action.ADD]
        contrary = Arrived(Action.REMOVE, fields, members)
        supersede(closing, contrary, opened.arrivals, in_flight)
    if unwanted & union(ledger.state.due(Action.REMOVE).values()):
        ledger.due(now, seconds(0))
    return opened, closing


def _inside(db: Db, ledger: Ledger, members: PeopleSet, now: Instant) -> PeopleSet:
    """Of these people: whose keys may be in the audience, or come in. An addition may still take
    effect after the removal that followed it: who was removed is followed until it cannot."""
    audience = ledger.head.audience
    flying = requests.in_flight(db, audience).everybody
    sets = [ledger.state.of(name) for name in ledger.fields]
    found = members & union([flying, *(one.acked | one.maybe for one in sets)])
    if left := members - found:
        given = {"audience": audience, "now": now, "low": left.min(), "high": left.max()}
        late = [load(one[0]) for one in db.execute(_SQL["read_resends"], (audience,), binary=True)]
        for added, heirs in db.execute(_SQL["read_additions"], given, binary=True):
            late += [load(added), load(heirs)]
        found |= left & union([people(), *late])
    return found


def _write(db: Db, workspace: WorkspaceId, stray: Stray, now: Instant) -> int:
    count = len(stray.members)
    row = (workspace, stray.reason.value, dump(stray.members), count, now)
    found = db.execute(_SQL["write_stray"], row).fetchone()
    assert found is not None
    rows = [
        (found[0], audience, dump(inside), dump(people()), now)
        for audience, inside in stray.inside.items()
        if inside
    ]
    if rows:
        db.cursor().executemany(_SQL["write_stray_audience"], rows)
    return int(found[0])
