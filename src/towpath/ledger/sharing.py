"""Keys that several people hold (architecture 5, Keys).

Only the people who share a key come here; everybody else takes the fast path. A shared key is
blocked for adding while any holder has withdrawn consent; a removal leaves it in while another
wanted person holds it; and at most one request in flight carries it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from towpath.ledger.events import SetByField
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key with everybody who holds it, and who of them has withdrawn consent."""

    field: MatchField
    holders: PeopleSet
    withdrawn: PeopleSet


@dataclass(slots=True)
class Usable:
    """What the shared keys of some people allow.

    `left_out`: by field, whose key must not be sent now. `holding`: wanted people who keep such a
    key in the audience, by field.
    """

    left_out: dict[MatchField, PeopleSet] = field(default_factory=dict)
    holding: dict[MatchField, PeopleSet] = field(default_factory=dict)


def usable_keys(
    keys: Iterable[HeldKey], action: Action, members: PeopleSet, wanted: SetByField
) -> Usable:
    """Which of the members' shared keys may be sent.

    `wanted`: by field, who is wanted in the audience once the present change is made. A person
    without consent never counts as wanted, since they are never in `want`.
    """
    found = Usable()
    for key in keys:
        mine = key.holders & members
        if key.withdrawn:
            # It must not go in, and nobody else's wish may keep it in.
            if action is Action.ADD:
                _join(found.left_out, key.field, mine)
        elif action is Action.REMOVE and mine:
            holding = key.holders & wanted.get(key.field, people())
            if holding:
                _join(found.left_out, key.field, mine - holding)
                _join(found.holding, key.field, holding)
    return found


@dataclass(slots=True)
class Turns:
    """Who of the sharing people may go now, since a key travels in one request at a time."""

    go: PeopleSet = field(default_factory=people)
    wait: PeopleSet = field(default_factory=people)


def turns(keys: Iterable[HeldKey], members: PeopleSet, in_flight: PeopleSet) -> Turns:
    """Let the lowest number of each key's holders go first, unless a holder is in flight.

    Whoever waits for one key waits with all of theirs. The number of sharing people is small, so
    this may look at keys one by one.
    """
    found = Turns(go=members.copy())
    for key in keys:
        here = key.holders & members
        if not here:
            continue
        ahead = here & found.go
        late = here if key.holders & in_flight else ahead - ahead[:1]
        found.wait |= late
        found.go -= late
    return found


def coholders(keys: Iterable[HeldKey], sent: PeopleSet, left_out: SetByField) -> PeopleSet:
    """Others who hold a key that goes out with `sent`; keys left out bind nobody."""
    found: PeopleSet = people()
    for key in keys:
        carriers = (key.holders & sent) - left_out.get(key.field, people())
        if carriers:
            found |= key.holders
    return found - sent


def _join(sets: dict[MatchField, PeopleSet], match_field: MatchField, more: PeopleSet) -> None:
    if more:
        sets[match_field] = sets.get(match_field, people()) | more
