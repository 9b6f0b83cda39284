"""How large a segment is, whom it holds, and what each of its rules keeps and drops.

Numbers to ask are drawn by whoever calls: nothing here rolls dice. Counting goes by ranges of
profile numbers; explaining asks once for all rules, so that ten million people are read once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from towpath.ids import WorkspaceId
from towpath.limits import MUSTER_NUMBERS
from towpath.people.estimates import Estimate, estimate
from towpath.people.filter import AllOf, AnyOf, Filter, Not, to_data
from towpath.people.masks import masked, masked_email
from towpath.people.people_set import PeopleSet, numbers, people, union
from towpath.store import people_door
from towpath.store.database import Db
from towpath.store.people_door import Question, Scope


@dataclass(frozen=True, slots=True)
class RuleCount:
    """A rule, or a join of rules (`rule` is then all, any or not), at its place in the filter.

    Of the people who reach it, it keeps some and drops the others. In `all` a part is reached by
    whom the parts before it kept, in `any` by whom they dropped.
    """

    place: str
    depth: int
    rule: str | dict[str, object]
    keeps: int
    drops: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A person of a segment, personal data masked."""

    number: int
    external_id: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    country: str | None


def estimated(question: Question, drawn: PeopleSet, of: int) -> Estimate:
    """About how many match, from who of the `drawn` numbers does, out of the numbers below `of`."""
    return estimate(len(question.matching_of(drawn)), len(drawn), of)


def counted(question: Question) -> int:
    """How many match, exactly."""
    trees = [question.tree] if question.tree is not None else []
    return sum(question.counts(scope, trees)[-1] for scope in _ranges(question))


def explained(question: Question, drawn: PeopleSet | None) -> tuple[int, list[RuleCount]]:
    """How many people were asked, and what each rule keeps of them and drops: of these, or (None)
    of the whole workspace. Of a single person each rule is asked, whatever the others say. A
    segment named in the filter is one rule."""
    assert question.tree is not None
    nodes = list(_nodes(question.tree, count()))
    rules = [node.tree for node in nodes if node.is_rule]
    alone = drawn is not None and len(drawn) == 1
    reached = ["true" if alone else node.reached for node in nodes]
    kept = [f"{way} and {node.holds}" for way, node in zip(reached, nodes, strict=True)]
    scopes = _ranges(question) if drawn is None else [Scope(members=drawn)]
    found = [question.counts(scope, rules, kept + reached) for scope in scopes]
    total, *counts = map(sum, zip(*found, strict=True)) if found else [0] * (2 * len(nodes) + 1)
    halves = zip(nodes, counts[: len(nodes)], counts[len(nodes) :], strict=True)
    return total, [
        RuleCount(node.place, node.depth, node.words, keeps, all_ - keeps)
        for node, keeps, all_ in halves
    ]


def sample(question: Question, drawn: Sequence[int], most: int) -> list[Shown]:
    """Up to `most` people who match: the first of the `drawn` numbers; where too few of them match,
    whoever is found first."""
    found = question.matching_of(people(drawn))
    chosen = people([number for number in drawn if number in found][:most])
    if len(chosen) < most:
        for others in question.everybody():
            chosen = union((chosen, people(numbers(others - chosen)[: most - len(chosen)])))
            if len(chosen) >= most:
                break
    rows = people_door.shown(question.db, question.workspace, chosen)
    return [
        Shown(number, masked(own), masked(first), masked(last), masked_email(email), country)
        for number, own, first, last, email, country in rows
    ]


@dataclass(frozen=True, slots=True)
class _Node:
    """A part of the tree: where it is reached and whether it holds, as conditions on the rules."""

    place: str
    depth: int
    tree: Filter
    words: str | dict[str, object]
    is_rule: bool
    reached: str
    holds: str


def _nodes(
    tree: Filter,
    places: Iterator[int],
    place: str = "filter",
    depth: int = 0,
    reached: str = "true",
) -> list[_Node]:
    """The tree's parts as they are written, each after the one that holds it; `places` numbers the
    rules."""
    match tree:
        case AllOf(parts) | AnyOf(parts):
            word = "all" if isinstance(tree, AllOf) else "any"
            inner: list[_Node] = []
            holds: list[str] = []
            way = reached
            for index, part in enumerate(parts):
                found = _nodes(part, places, f"{place}.{word}[{index}]", depth + 1, way)
                holds.append(found[0].holds)
                way += f" and {holds[-1]}" if word == "all" else f" and not {holds[-1]}"
                inner += found
            joined = (" and " if word == "all" else " or ").join(holds)
            return [_Node(place, depth, tree, word, False, reached, f"({joined})"), *inner]
        case Not(part):
            inner = _nodes(part, places, f"{place}.not", depth + 1, reached)
            holds_not = f"(not {inner[0].holds})"
            return [_Node(place, depth, tree, "not", False, reached, holds_not), *inner]
    return [_Node(place, depth, tree, to_data(tree), True, reached, f"r{next(places)}")]


def _ranges(question: Question) -> Iterator[Scope]:
    end = people_door.highest_number(question.db, question.workspace) + 1
    for low in range(0, end, MUSTER_NUMBERS):
        yield Scope(low, low + MUSTER_NUMBERS)


def drawable(db: Db, workspace: WorkspaceId) -> int:
    """Numbers to ask are drawn below this."""
    return people_door.highest_number(db, workspace) + 1
