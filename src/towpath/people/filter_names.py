"""What a filter names: segments, Canvases, audiences, attributes, events, products; and whether the
segments that it reaches make sense together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from towpath.errors import InputError
from towpath.limits import SEGMENT_DEPTH_MAX, SEGMENT_RULES_MAX
from towpath.people.events import EventKind
from towpath.people.filter import (
    AllOf,
    AnyOf,
    Attribute,
    Did,
    EnteredCanvas,
    Filter,
    InAudience,
    InSegment,
    InsideCanvas,
    Member,
    Not,
    Rule,
)
from towpath.people.filter_values import nearest


@dataclass(frozen=True, slots=True)
class Names:
    """What one filter names itself, without looking into the segments that it names."""

    segments: frozenset[str]
    canvases: frozenset[str]
    audiences: frozenset[InAudience]
    attributes: frozenset[str]
    events: frozenset[str]
    products: frozenset[str]


def rules(tree: Filter) -> Iterator[Rule]:
    """The rules of the tree, in the order in which they are written."""
    match tree:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from rules(part)
        case Not(part):
            yield from rules(part)
        case _:
            yield tree


def names_of(tree: Filter | None) -> Names:
    """What the filter names; None (everybody) names nothing."""
    found = list(rules(tree)) if tree is not None else []
    did = [rule for rule in found if isinstance(rule, Did)]
    return Names(
        segments=frozenset(rule.name for rule in found if isinstance(rule, InSegment)),
        canvases=frozenset(
            rule.canvas for rule in found if isinstance(rule, EnteredCanvas | InsideCanvas)
        ),
        audiences=frozenset(rule for rule in found if isinstance(rule, InAudience)),
        attributes=frozenset(rule.name for rule in found if isinstance(rule, Attribute)),
        events=frozenset(n for rule in did if rule.kind is EventKind.EVENT for n in rule.names),
        products=frozenset(
            n for rule in did if rule.kind is EventKind.PURCHASE for n in rule.names
        ),
    )


def member_rules(tree: Filter) -> Iterator[Member]:
    """The rules that Towpath's own sets answer."""
    for rule in rules(tree):
        if isinstance(rule, EnteredCanvas | InsideCanvas | InAudience):
            yield rule


def check_segments(
    tree: Filter | None, segments: Mapping[str, Filter], where: str = "filter", own: str = ""
) -> None:
    """Refuse a filter whose segments are missing, lead back to themselves (or to `own`, the segment
    that the filter is for), nest beyond SEGMENT_DEPTH_MAX or hold more than SEGMENT_RULES_MAX rules
    together. Raises InputError."""
    if tree is None:
        return
    count, depth = _Reach(segments, where).of(tree, (own,) if own else ())
    if depth > SEGMENT_DEPTH_MAX:
        raise _too_deep(where)
    if count > SEGMENT_RULES_MAX:
        raise InputError(
            f"with its segments the filter has {count:,} rules, at most {SEGMENT_RULES_MAX:,}.",
            field=where,
        )


class _Reach:
    """How many rules a filter has with its segments, and how deep they nest; each segment is looked
    at once, however often it is named."""

    def __init__(self, segments: Mapping[str, Filter], where: str) -> None:
        self._segments = segments
        self._where = where
        self._found: dict[str, tuple[int, int]] = {}

    def of(self, tree: Filter, way: tuple[str, ...]) -> tuple[int, int]:
        count, depth = 0, 0
        for rule in rules(tree):
            if isinstance(rule, InSegment):
                inner = self._found.get(rule.name) or self._look(rule.name, way)
                count, depth = count + inner[0], max(depth, inner[1] + 1)
            else:
                count += 1
        return count, depth

    def _look(self, name: str, way: tuple[str, ...]) -> tuple[int, int]:
        if name in way:
            circle = " → ".join([*way[way.index(name) :], name])
            raise InputError(
                f"segments lead round in a circle: {circle}.",
                remedy="Take one of them out.",
                field=self._where,
            )
        if name not in self._segments:
            others = sorted(self._segments)
            raise InputError(
                f"there is no segment named {name!r}.",
                remedy=nearest(name, others) if others else "Save it first.",
                field=self._where,
            )
        if len(way) > SEGMENT_DEPTH_MAX:
            raise _too_deep(self._where)
        self._found[name] = self.of(self._segments[name], (*way, name))
        return self._found[name]


def _too_deep(where: str) -> InputError:
    return InputError(f"segments nest at most {SEGMENT_DEPTH_MAX} deep.", field=where)
