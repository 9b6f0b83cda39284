"""Dry runs: what an Audience Sync step would do with people, reckoned by the rules of the real one.

The same sets are asked in the same order as `engine/steps/audience_sync.py` asks them, on a ledger
that is only looked at: nothing is locked, stored or sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from towpath.ids import AudienceId, WorkspaceId
from towpath.ledger.arrivals import Reason, synced_at_once
from towpath.ledger.due import Group, due_groups
from towpath.ledger.events import Arrived, apply
from towpath.ledger.sharing import HeldKey, usable_keys
from towpath.ledger.state import LedgerState
from towpath.limits import DRY_RUN_ANSWERS
from towpath.people.action import Action
from towpath.people.match_field import ALL_FIELDS, MatchField, fields_of, mask
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import ledgers, match_keys, profiles, requests, shared_keys, workspaces
from towpath.store.database import Db, int4_array
from towpath.store.queries import queries

UNDER_WAY = "under_way"
"""Of people whom a request carries now: they need no other."""


class Asked(NamedTuple):
    """A step; `audience` is None while there is none of its name."""

    workspace: WorkspaceId
    audience: AudienceId | None
    action: Action
    fields: tuple[MatchField, ...]


@dataclass(slots=True)
class Reckoned:
    """What would become of the people.

    `groups`: who would go, by the match fields in their request. `kept_out`: who would not, by
    reason; nobody twice. `coverage`: by field, who of all has a key. `inside`: who is in the
    audience by all we know; `after`: who would be.
    """

    fields: tuple[MatchField, ...]
    people: int = 0
    groups: list[Group] = field(default_factory=list)
    kept_out: dict[str, int] = field(default_factory=dict)
    coverage: dict[MatchField, int] = field(default_factory=lambda: dict.fromkeys(ALL_FIELDS, 0))
    inside: int = 0
    after: int = 0

    @property
    def going(self) -> int:
        """How many would go."""
        return sum(len(group.members) for group in self.groups)


@dataclass(slots=True)
class _Run:
    """One dry run, while it goes through the people, a range after another."""

    db: Db
    asked: Asked
    fields: tuple[MatchField, ...]
    state: LedgerState
    created_here: bool
    flying: requests.Flying
    found: Reckoned
    going: PeopleSet = field(default_factory=people)

    def keep_out(self, reason: str, left: PeopleSet, members: PeopleSet) -> PeopleSet:
        """Count who does not go; gives who is left."""
        out = left & members
        if out:
            self.found.kept_out[reason] = self.found.kept_out.get(reason, 0) + len(out)
        return left - out

    def take(self, members: PeopleSet) -> None:
        """These people come to the step."""
        action, left = self.asked.action, members
        present = match_keys.key_presence(self.db, int4_array(members))
        self.found.people += len(members)
        for name, held in present.items():
            self.found.coverage[name] += len(held)
        if action is Action.ADD:
            left = self.keep_out(Reason.NO_CONSENT, left, left - self._consenting(left))
        keyless = {one: left - present.get(one, people()) for one in self.fields}
        left = self.keep_out(Reason.NO_MATCH_KEY, left, _in_all(keyless, left))
        held = shared_keys.holders(self.db, self.asked.workspace, left)
        keys = [HeldKey(one.field, one.holders, one.withdrawn) for one in held]
        wanted = {one: self.state.of(one).want - members for one in self.fields}
        usable = usable_keys(keys, action, left, wanted).left_out
        keyless = {name: none | usable.get(name, people()) for name, none in keyless.items()}
        reason = Reason.BLOCKED if action is Action.ADD else Reason.STILL_WANTED
        left = self.keep_out(reason, left, _in_all(keyless, left))
        without = {name: found & left for name, found in keyless.items()}
        outside = action is Action.REMOVE and not self.created_here
        arrived = Arrived(action, self.fields, left, without, maybe_in=outside)
        apply(self.state, arrived)
        reason = Reason.KNOWN_IN if action is Action.ADD else Reason.ALREADY_OUT
        at_once = synced_at_once(self.state, arrived, self.flying.unsettled(action))
        left = self.keep_out(reason, left, at_once)
        self.going |= self.keep_out(UNDER_WAY, left, self.flying.members[action])

    def _consenting(self, members: PeopleSet) -> PeopleSet:
        consent = profiles.consent_sets(self.db, int4_array(members))
        if workspaces.read(self.db, self.asked.workspace).unknown_consent_is_sent:
            return consent.granted | consent.unknown
        return consent.granted


def reckon(db: Db, asked: Asked, everybody: Iterable[PeopleSet]) -> Reckoned:
    """What the step would do now with these people, given in ranges that share nobody. Within
    `exports.snapshot`."""
    run = _begin(db, asked)
    inside = _inside(run.state)
    for members in everybody:
        if members:
            run.take(members)
    found = run.found
    found.groups = due_groups(run.state, asked.action, people(), run.going)
    leaving = run.going if asked.action is Action.REMOVE else people()
    coming = run.going if asked.action is Action.ADD else people()
    found.inside, found.after = len(inside), len((inside | coming) - leaving)
    return found


def _begin(db: Db, asked: Asked) -> _Run:
    if asked.audience is None:
        state, created_here, known = LedgerState(), True, 0
        nobody = {action: people() for action in Action}
        flying = requests.Flying(nobody, nobody)
    else:
        ledger = ledgers.peek(db, asked.audience)
        state, created_here = ledgers.read_all(db, ledger), ledger.head.created_here
        known, flying = ledger.head.fields, requests.in_flight(db, asked.audience)
    if asked.action is Action.REMOVE:
        fields = fields_of(mask(asked.fields) | known)
    else:
        allowed = workspaces.read(db, asked.workspace).fields_allowed
        fields = tuple(one for one in asked.fields if one in allowed)
    return _Run(db, asked, fields, state, created_here, flying, Reckoned(fields))


def _inside(state: LedgerState) -> PeopleSet:
    return union(sets.acked for sets in state.fields.values())


def _in_all(sets: dict[MatchField, PeopleSet], members: PeopleSet) -> PeopleSet:
    found = members.copy()
    for one in sets.values():
        found &= one
    return found


def cases(
    db: Db, fields: Sequence[MatchField], members: PeopleSet
) -> list[tuple[tuple[MatchField, ...], int]]:
    """Of a request's people: how many have keys of exactly which of its fields."""
    present = match_keys.key_presence(db, int4_array(members))
    found: list[tuple[tuple[MatchField, ...], PeopleSet]] = [((), members)]
    for name in fields:
        held = present.get(name, people())
        found = [
            case
            for having, some in found
            for case in (((*having, name), some & held), (having, some - held))
            if case[1]
        ]
    return [(having, len(some)) for having, some in found if having]


def answer_time(db: Db, workspace: WorkspaceId) -> float | None:
    """How long the partner's newest answers took on average, in seconds; None: there was none."""
    given = {"workspace": workspace, "limit": DRY_RUN_ANSWERS}
    row = db.execute(queries("dry_runs")["read_answer_time"], given).fetchone()
    return row[0] if row else None
