"""Audience Sync: people who reach it are added to an audience, or removed from it.

Whoever has no usable key or no consent is not synced, with the reason; the others arrive in the
ledger and are pending. Everybody goes on at once: the journey never waits for the partner
(invariant I-11). Architecture 3, step 6, and 5, Arrivals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.engine.shared_keys import held_keys, nothing_left, wanted_with_key
from towpath.engine.steps.protocol import Moment, Outcome, StepKind
from towpath.ids import AudienceId
from towpath.ledger.arrivals import (
    Closing,
    Counter,
    Reason,
    close_at_goal,
    close_keyless,
    supersede,
    synced_at_once,
)
from towpath.ledger.events import Arrived, Marked, MarkKind
from towpath.ledger.sharing import HeldKey, usable_keys
from towpath.limits import ARRIVAL_PEOPLE_MAX
from towpath.people.action import Action
from towpath.people.match_field import MatchField, fields_of, mask
from towpath.people.people_set import PeopleSet, cut, people, union
from towpath.store import arrivals, audiences, consents, ledgers, match_keys, requests, workspaces
from towpath.store.arrivals import Coming, Leaving, OpenArrivals, Piece
from towpath.store.database import int4_array
from towpath.store.ledgers import Ledger


@dataclass(slots=True)
class Sorting:
    """People at the step: who is left to go on into the ledger, who leaves at once, and why."""

    everyone: PeopleSet
    left: PeopleSet
    keyless: dict[MatchField, PeopleSet] = field(default_factory=dict)
    leaving: list[Leaving] = field(default_factory=list)

    def keep_out(self, reason: Reason, members: PeopleSet) -> None:
        """These never go into the ledger."""
        found = self.left & members
        self.left = self.left - found
        self.leaving.append(Leaving(Counter.NOT_SYNCED, reason, found))

    def leave(self, counter: Counter, reason: Reason, members: PeopleSet) -> None:
        """These go into the ledger, but are counted at once; nobody leaves twice."""
        gone = union(one.members for one in self.leaving)
        self.leaving.append(Leaving(counter, reason, (self.left & members) - gone))

    @property
    def waiting(self) -> PeopleSet:
        """Who will be pending."""
        return self.left - union(one.members for one in self.leaving)

    def pieces(self) -> list[Piece]:
        """Everyone in pieces, cut in number order."""
        return [
            Piece(
                piece,
                piece & self.left,
                {f: found & piece & self.left for f, found in self.keyless.items()},
                [Leaving(one.counter, one.reason, one.members & piece) for one in self.leaving],
            )
            for piece in cut(self.everyone, ARRIVAL_PEOPLE_MAX)
        ]


class AudienceSyncKind(StepKind):
    """The engine's side of the step."""

    def perform(self, moment: Moment, settings: AudienceSync, members: PeopleSet) -> list[Outcome]:
        """Put the people into the ledger; all advance, synced or not."""
        assert settings.audience_id is not None
        arrive(moment, settings.audience_id, settings.action, settings.fields, members)
        return [Outcome("next", members)]


def leave(moment: Moment, settings: AudienceSync, members: PeopleSet) -> None:
    """The Canvas ended before these people were synced: count them, send nothing."""
    assert settings.audience_id is not None
    sorting = Sorting(members, members)
    sorting.keep_out(Reason.LEFT_CANVAS, members)
    ledger = ledgers.lock(moment.db, settings.audience_id)
    _write(moment, ledger, settings.action, settings.fields, sorting)
    ledgers.close(moment.db, ledger, moment.now)


def arrive(
    moment: Moment,
    audience: AudienceId,
    action: Action,
    asked: tuple[MatchField, ...],
    members: PeopleSet,
) -> None:
    """A wave comes to a step of `audience`, in the transaction that moves it on."""
    db = moment.db
    sorting = Sorting(members, members)
    present = match_keys.key_presence(db, int4_array(members))
    ledger = ledgers.lock(db, audience)
    if action is Action.ADD:
        # Asked under the lock: whoever is deleted or merged meanwhile must not be wanted again.
        _without_consent(moment, sorting)
    fields = _fields(moment, ledger, action, asked)
    keys = held_keys(db, ledger, sorting.left, fields)
    _sort_by_key(sorting, action, fields, present, keys)
    ledgers.open_people(db, ledger, sorting.left | union(key.holders for key in keys))
    in_flight = requests.in_flight(db, audience)
    opened = arrivals.read_open(db, audience, sorting.left)
    arrived = Arrived(
        action,
        fields,
        sorting.left,
        {f: found & sorting.left for f, found in sorting.keyless.items()},
        maybe_in=action is Action.REMOVE and not ledger.head.created_here,
    )
    closing = Closing.of(opened.arrivals)
    supersede(closing, arrived, opened.arrivals, in_flight.members[action.contrary])
    _write_arrived(moment, ledger, arrived, sorting, keys, in_flight.unsettled(action))
    free = arrived.members - in_flight.everybody
    blocked = union(found & present.get(f, people()) for f, found in sorting.keyless.items())
    close_keyless(closing, ledger.state, opened.arrivals, free & blocked, Reason.BLOCKED)
    close_keyless(closing, ledger.state, opened.arrivals, free)
    _close_earlier(closing, ledger, opened, sorting, arrived.members - in_flight.unsettled(action))
    arrivals.write_closed(db, audience, opened, closing, moment.now)
    _wake(moment, ledger, action, len(sorting.waiting))
    ledgers.close(db, ledger, moment.now)


def _fields(
    moment: Moment, ledger: Ledger, action: Action, asked: tuple[MatchField, ...]
) -> tuple[MatchField, ...]:
    """An addition sends what the step asks for and the workspace still lets out; a removal every
    key that may be there, whatever this step asks for."""
    if action is Action.REMOVE:
        return fields_of(mask(asked) | ledger.head.fields)
    allowed = workspaces.read(moment.db, moment.stand.workspace).fields_allowed
    return tuple(one for one in asked if one in allowed)


def _close_earlier(
    closing: Closing, ledger: Ledger, opened: OpenArrivals, sorting: Sorting, free: PeopleSet
) -> None:
    """What this arrival found holds for earlier ones that ask the same: still wanted, or there."""
    for one in sorting.leaving:
        if one.reason is Reason.STILL_WANTED:
            for arrival in opened.arrivals:
                if arrival.action is Action.REMOVE:
                    closing.close(arrival, one.counter, one.reason, one.members & free)
    close_at_goal(closing, ledger.state, opened.arrivals, free)


def _without_consent(moment: Moment, sorting: Sorting) -> None:
    """Only who granted consent is sent; unknown only if the workspace says so; no minors."""
    allowed = consents.sendable(moment.db, int4_array(sorting.left), moment.now)
    sorting.keep_out(Reason.NO_CONSENT, sorting.left - allowed)


def _sort_by_key(
    sorting: Sorting,
    action: Action,
    fields: tuple[MatchField, ...],
    present: Mapping[MatchField, PeopleSet],
    keys: Sequence[HeldKey],
) -> None:
    """Who has no key, or none that may be added. A removal notes their wish all the same."""
    for match_field in fields:
        sorting.keyless[match_field] = sorting.left - present.get(match_field, people())
    without = _in_all(sorting.keyless, fields, sorting.left)
    if action is Action.REMOVE:
        sorting.leave(Counter.NOT_SYNCED, Reason.NO_MATCH_KEY, without)
        return
    sorting.keep_out(Reason.NO_MATCH_KEY, without)
    blocked = usable_keys(keys, action, sorting.left, {}).left_out
    for match_field, found in blocked.items():
        sorting.keyless[match_field] = sorting.keyless[match_field] | found
    sorting.keep_out(Reason.BLOCKED, _in_all(sorting.keyless, fields, sorting.left))


def _in_all(
    sets: Mapping[MatchField, PeopleSet], fields: Sequence[MatchField], members: PeopleSet
) -> PeopleSet:
    found = members.copy()
    for match_field in fields:
        found &= sets[match_field]
    return found


def _write_arrived(
    moment: Moment,
    ledger: Ledger,
    arrived: Arrived,
    sorting: Sorting,
    keys: Sequence[HeldKey],
    in_flight: PeopleSet,
) -> None:
    """Record the arrival, and count at once whoever need not be sent."""
    pieces = len(cut(sorting.everyone, ARRIVAL_PEOPLE_MAX))
    first_seq = ledger.head.seq + 1
    ledgers.record(ledger, arrived, rows=pieces)
    if arrived.action is Action.REMOVE:
        still = _still_wanted(moment, ledger, sorting.waiting, keys, arrived.fields)
        sorting.leave(Counter.NOT_SYNCED, Reason.STILL_WANTED, still)
    reason = Reason.KNOWN_IN if arrived.action is Action.ADD else Reason.ALREADY_OUT
    at_once = synced_at_once(ledger.state, arrived, in_flight)
    sorting.leave(Counter.SYNCED, reason, at_once)
    _write(moment, ledger, arrived.action, arrived.fields, sorting, first_seq)


def _still_wanted(
    moment: Moment,
    ledger: Ledger,
    waiting: PeopleSet,
    keys: Sequence[HeldKey],
    fields: tuple[MatchField, ...],
) -> PeopleSet:
    """Whose every key another wanted person holds: it stays in, and they count as out."""
    usable = usable_keys(keys, Action.REMOVE, waiting, wanted_with_key(ledger, fields))
    still = nothing_left(ledger, fields, waiting, usable.left_out)
    if still:
        ledgers.mark(moment.db, ledger, Marked(MarkKind.LEFT, fields, still), moment.now)
        for match_field, holding in usable.holding.items():
            marked = Marked(MarkKind.HELD, (match_field,), holding)
            ledgers.mark(moment.db, ledger, marked, moment.now)
    return still


def _write(
    moment: Moment,
    ledger: Ledger,
    action: Action,
    fields: tuple[MatchField, ...],
    sorting: Sorting,
    first_seq: int | None = None,
) -> None:
    pieces = sorting.pieces()
    if first_seq is None:
        first_seq = ledger.head.seq + 1
        ledgers.record(ledger, Arrived(action, fields, people()), rows=len(pieces))
    place = (moment.stand.version, moment.stand.step)
    windows = moment.windows.of(by_files=ledger.head.by_files)
    deadline = moment.now + windows.give_up
    coming = Coming(ledger.head, place, action, fields, moment.now, deadline)
    arrivals.write(moment.db, coming, pieces, first_seq)


def _wake(moment: Moment, ledger: Ledger, action: Action, waiting: int) -> None:
    """The sender looks after the flush, or now if a full request waits."""
    if not waiting:
        return
    ledger.due(moment.now, moment.windows.flush)
    audience = ledger.head.audience
    (route,) = audiences.routes(moment.db, [audience]).values()
    since = ledger.head.due_since or moment.now
    if waiting < route.people_per_request:
        waiting = arrivals.waiting_since(moment.db, audience, action, since)
    if waiting >= route.people_per_request:
        ledger.look(moment.now)
