"""What the ledger of one audience holds, a match field at a time, as sets of profile numbers.

A state may be of the whole audience or of some blocks of numbers only: every rule works person by
person, so a part obeys the same algebra as the whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union


@dataclass(slots=True)
class FieldState:
    """Sets of one match field.

    want: who shall be in. acked: TikTok acknowledged an add. maybe: may be in, we do not know.
    parked: given up at the end of the window. keyless: nothing to send.
    Whoever is in none of them is untouched: left alone.
    """

    want: PeopleSet = field(default_factory=people)
    acked: PeopleSet = field(default_factory=people)
    maybe: PeopleSet = field(default_factory=people)
    parked: PeopleSet = field(default_factory=people)
    keyless: PeopleSet = field(default_factory=people)

    def due(self, action: Action) -> PeopleSet:
        """Who must still be sent, in flight and backing off included."""
        if action is Action.ADD:
            found = self.want - self.acked
        else:
            found = (self.acked | self.maybe) - self.want
        found -= self.parked
        found -= self.keyless
        return found


@dataclass(slots=True)
class LedgerState:
    """The sets of an audience (or of some blocks of it), by match field."""

    fields: dict[MatchField, FieldState] = field(default_factory=dict)

    def of(self, match_field: MatchField) -> FieldState:
        """The sets of a field; empty ones where the field was never asked for."""
        return self.fields.setdefault(match_field, FieldState())

    def at_goal(
        self, action: Action, fields: Iterable[MatchField], members: PeopleSet
    ) -> PeopleSet:
        """Of `members`: who is where `action` wants them, by all we know.

        In: every field asked for that has a key is acknowledged (rule 7). Out: no field that has a
        key may be in. Whoever has no key in any of the fields is nowhere: nothing can be sent.
        """
        asked = [self.of(match_field) for match_field in fields]
        found: PeopleSet = members.copy()
        if action is Action.ADD:
            for sets in asked:
                found &= sets.acked | sets.keyless
            return found & union(sets.acked for sets in asked)
        nowhere = members.copy()
        for sets in asked:
            found -= (sets.acked | sets.maybe) - sets.keyless
            nowhere &= sets.keyless
        return found - nowhere

    def due(self, action: Action) -> dict[MatchField, PeopleSet]:
        """Who must still be sent, by field, in flight and backing off included."""
        return {match_field: sets.due(action) for match_field, sets in self.fields.items()}
