"""Who must be sent now, and in which requests.

due in  = want − acked − in flight − held(add) − parked − keyless
due out = (acked ∪ maybe) − want − in flight − held(remove) − parked − keyless
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from towpath.ledger.state import LedgerState
from towpath.people.action import Action
from towpath.people.match_field import ALL_FIELDS, MatchField
from towpath.people.people_set import PeopleSet, cut, union


@dataclass(frozen=True, slots=True)
class Group:
    """People who can share a request: these fields, each due or without a key."""

    fields: tuple[MatchField, ...]
    members: PeopleSet


def due_groups(
    state: LedgerState, action: Action, busy: PeopleSet, among: PeopleSet | None = None
) -> list[Group]:
    """Who must be sent now, by the fields that their row must carry.

    `busy`: who is in flight, or held back for this action. `among`: only of these people. A person
    with several due fields goes in one row (rule 7); one without a key for a field rides along with
    an empty cell.
    """
    # In the one fixed order: a request's sets by field are kept in the order of its mask.
    whole = state.due(action)
    due = {found: whole[found] - busy for found in ALL_FIELDS if found in whole}
    if among is not None:
        due = {found: members & among for found, members in due.items()}
    rest = union(due.values())
    groups: list[Group] = []
    for count in range(len(due), 0, -1):
        for fields in combinations(due, count):
            if not rest:
                return groups
            fit = rest.copy()
            for match_field in fields:
                fit &= due[match_field] | state.of(match_field).keyless
            if fit:
                groups.append(Group(fields, fit))
                rest -= fit
    return groups


def requests(groups: Iterable[Group], size: int, most: int) -> list[Group]:
    """The groups cut in number order into at most `most` requests of at most `size` people."""
    found: list[Group] = []
    for group in groups:
        room = most - len(found)
        if room <= 0:
            break
        some = group.members if len(group.members) <= room * size else group.members[: room * size]
        found.extend(Group(group.fields, piece) for piece in cut(some, size))
    return found
