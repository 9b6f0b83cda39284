"""Arrivals, outcomes and requests as the simulator's records keep them."""

from dataclasses import dataclass, field
from typing import Any

from towpath.cli.simulation.door import Key, Sent
from towpath.clock import Instant
from towpath.ids import AudienceId, StepId, VersionId
from towpath.people.action import Action
from towpath.people.match_field import MatchField, fields_of
from towpath.people.people_set import PeopleSet, load, people, union
from towpath.store.ledger_log import load_by_field


@dataclass(slots=True)
class ArrivalRow:
    """An arrival, with everybody who left its waiting by now."""

    id: int
    audience: AudienceId
    version: VersionId
    step: StepId
    action: Action
    fields: tuple[MatchField, ...]
    seq: int
    arrived_at: Instant
    members: PeopleSet
    keyless: dict[MatchField, PeopleSet]
    waiting: PeopleSet = field(default_factory=people)
    deadline: Instant | None = None
    counts: tuple[int, ...] = ()
    """Entered, synced, not synced, pending, errored."""
    outcomes: list["OutcomeRow"] = field(default_factory=list)

    def told(self, state: str) -> PeopleSet:
        """Who has an outcome of this state."""
        return union(one.members for one in self.outcomes if one.state == state)

    def closed(self) -> dict[str, PeopleSet]:
        """By counter, who is counted for good."""
        return {
            "synced": self.acknowledged | self.told("synced"),
            "not synced": self.told("not_synced"),
            "errored": self.told("errored"),
        }

    @property
    def acknowledged(self) -> PeopleSet:
        """Who left without an outcome: synced by a request."""
        return self.members - self.waiting - union(one.members for one in self.outcomes)


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """Why people left an arrival's waiting otherwise than by an applied request."""

    id: int
    arrival: int
    state: str
    reason: str
    request: int | None
    code: int | None
    members: PeopleSet
    people: int
    at: Instant


@dataclass(slots=True)
class RequestRow:
    """A request, what was claimed for it and what became of it."""

    id: int
    audience: AudienceId
    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet
    sharing: PeopleSet
    coholders: PeopleSet
    omitted: dict[MatchField, PeopleSet]
    worker: str
    permit: int | None
    started_at: Instant
    lease_until: Instant
    tries: int
    parent: int | None
    root: int | None
    parts: int
    keys: set[Key] = field(default_factory=set)
    """Claimed; those that were read when it left are `sent.keys`."""
    sent: Sent | None = None
    read: bool = False
    """Are its keys read, so that they may be in its body?"""
    read_at: Instant | None = None
    answer: tuple[Any, ...] = ("in flight", None, None, None, None, None, None, None, None)
    """State, answered at, seq, found keyless, retry at, window end, cause, code, request ref."""

    @property
    def state(self) -> str:
        """in flight, applied, refused or unknown."""
        return str(self.answer[0])

    @property
    def flying(self) -> bool:
        """Is it in flight, as far as we know?"""
        return bool(self.answer[0] == "in flight")

    @property
    def retry_at(self) -> Instant | None:
        """Until when its people back off."""
        found: Instant | None = self.answer[4]
        return found

    @property
    def window_end(self) -> Instant | None:
        """Until when it may take effect."""
        found: Instant | None = self.answer[5]
        return found

    @property
    def carried(self) -> set[Key]:
        """The keys that may have reached TikTok."""
        return set(self.sent.keys) if self.sent else self.keys


def arrival_of(row: tuple[Any, ...]) -> ArrivalRow:
    """What an arrival says for good."""
    fields = fields_of(row[5])
    return ArrivalRow(
        row[0],
        row[1],
        row[2],
        row[3],
        Action(row[4]),
        fields,
        row[6],
        row[7],
        load(row[8]),
        load_by_field(row[9], fields),
    )


def outcome_of(row: tuple[Any, ...]) -> OutcomeRow:
    """What an outcome says."""
    number, arrival, state, reason, request, code, members, count, at = row
    return OutcomeRow(number, arrival, state, reason, request, code, load(members), count, at)


def request_of(row: tuple[Any, ...]) -> RequestRow:
    """What a request says for good."""
    fields = fields_of(row[3])
    omitted = load_by_field(row[7], fields)
    worker, permit, started_at, lease_until, tries, parent, root, parts = row[8:16]
    return RequestRow(
        row[0],
        row[1],
        Action(row[2]),
        fields,
        load(row[4]),
        load(row[5]),
        load(row[6]),
        omitted,
        worker,
        permit,
        started_at,
        lease_until,
        tries,
        parent,
        root,
        parts,
    )
