"""Which triggers an event sets off: hundreds of them, looked at in microseconds.

The triggers of one name are kept by a rule of theirs that can be looked up: an equal value in a
table, a bound in a sorted list. So an event meets only those that it may set off, and what remains
of their rules is evaluated in Python, by the words of the filter language (people/filter_eval.py).
"""

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Generic, TypeVar

from towpath.canvas.triggers import ANY, Kind, Trigger
from towpath.clock import Instant
from towpath.people.filter import AllOf, AnyOf, Attribute, Filter, Not, Op
from towpath.people.filter_eval import properties_match

T = TypeVar("T")

Properties = Mapping[str, Any]
Predicate = Callable[[Properties, Instant], bool]

_EXACT = 2**53
_NUMBER = (int, float)
_NOTHING = object()
_COMPARE: dict[Op, Callable[[Any, Any], bool]] = {
    Op.ABOVE: operator.gt,
    Op.AT_LEAST: operator.ge,
    Op.BELOW: operator.lt,
    Op.AT_MOST: operator.le,
}
_BOUNDS = tuple(_COMPARE)


def compile_rule(tree: Filter) -> Predicate:
    """The filter over an event's properties as a function: what `properties_match` says."""
    match tree:
        case AllOf(parts):
            every = tuple(compile_rule(part) for part in parts)
            return lambda held, at: all(one(held, at) for one in every)
        case AnyOf(parts):
            some = tuple(compile_rule(part) for part in parts)
            return lambda held, at: any(one(held, at) for one in some)
        case Not(part):
            no = compile_rule(part)
            return lambda held, at: not no(held, at)
        case Attribute(name, op, value, ()):
            quick = _quick(name, op, value)
            if quick is not None:
                return quick
    return partial(properties_match, tree)


def _quick(name: str, op: Op, value: Any) -> Predicate | None:
    """The comparisons that most rules are made of, at a hundredth of the price."""
    if op in {Op.IS, Op.IS_NOT}:
        wanted, same = _key(value), op is Op.IS
        if isinstance(value, str):
            return lambda held, _: (held.get(name) == value) is same
        return lambda held, _: (_key(held.get(name)) == wanted) is same
    if op in {Op.IN, Op.NOT_IN}:
        several, among = frozenset(map(_key, value)), op is Op.IN
        return lambda held, _: (_hashed(held.get(name)) in several) is among
    if op in _COMPARE and abs(value) <= _EXACT:
        compare = _COMPARE[op]
        return lambda held, _: (
            type(found := held.get(name)) in _NUMBER and compare(found, value)  # no bool, then
        )
    return None


def _hashed(value: object) -> object:
    """The key of a value; of a list or an object something that equals nothing."""
    return _key(value) if isinstance(value, str | int | float) else _NOTHING


@dataclass(slots=True)
class _Bounds(Generic[T]):
    """Triggers that ask for a number on one side of a bound."""

    op: Op
    bounds: list[int | float] = field(default_factory=list)
    tags: list[T] = field(default_factory=list)
    rests: list[Predicate | None] = field(default_factory=list)
    plain: bool = True

    def add(self, bound: float, tag: T, rest: Predicate | None) -> None:
        place = bisect_right(self.bounds, bound)
        self.bounds.insert(place, bound)
        self.tags.insert(place, tag)
        self.rests.insert(place, rest)
        self.plain = self.plain and rest is None

    def find(self, value: float, held: Properties, at: Instant, found: list[T]) -> None:
        if self.op is Op.ABOVE:
            span = slice(0, bisect_left(self.bounds, value))
        elif self.op is Op.AT_LEAST:
            span = slice(0, bisect_right(self.bounds, value))
        elif self.op is Op.BELOW:
            span = slice(bisect_right(self.bounds, value), None)
        else:
            span = slice(bisect_left(self.bounds, value), None)
        if self.plain:
            found += self.tags[span]
        else:
            pairs = zip(self.tags[span], self.rests[span], strict=True)
            found += [tag for tag, rest in pairs if rest is None or rest(held, at)]


@dataclass(slots=True)
class _Named(Generic[T]):
    """The triggers of one name."""

    always: list[T] = field(default_factory=list)
    equal: dict[str, dict[object, list[tuple[T, Predicate | None]]]] = field(default_factory=dict)
    bounds: dict[str, dict[Op, _Bounds[T]]] = field(default_factory=dict)
    others: list[tuple[T, Predicate]] = field(default_factory=list)

    def add(self, rule: Filter | None, tag: T) -> None:
        if rule is None:
            self.always.append(tag)
            return
        guard, rest = _split(rule)
        if guard is None:
            self.others.append((tag, compile_rule(rule)))
        elif guard.op in _BOUNDS:
            assert isinstance(guard.value, _NUMBER)
            by_op = self.bounds.setdefault(guard.name, {})
            by_op.setdefault(guard.op, _Bounds(guard.op)).add(guard.value, tag, rest)
        else:
            wanted = guard.value if isinstance(guard.value, tuple) else (guard.value,)
            table = self.equal.setdefault(guard.name, {})
            for key in {_key(value) for value in wanted}:
                table.setdefault(key, []).append((tag, rest))

    def find(self, held: Properties, at: Instant, found: list[T]) -> None:
        found += self.always
        for name, table in self.equal.items():
            value = held.get(name)
            if isinstance(value, str | int | float):
                for tag, rest in table.get(_key(value), ()):
                    if rest is None or rest(held, at):
                        found.append(tag)
        for name, by_op in self.bounds.items():
            value = held.get(name)
            if isinstance(value, _NUMBER) and not isinstance(value, bool):
                for bounds in by_op.values():
                    bounds.find(value, held, at, found)
        found += [tag for tag, predicate in self.others if predicate(held, at)]


class Matcher(Generic[T]):
    """Triggers, each with a tag of the caller's; built once and then only asked."""

    def __init__(self, triggers: Iterable[tuple[Trigger, T]]) -> None:
        self._named: dict[tuple[int, str], _Named[T]] = {}
        for trigger, tag in triggers:
            place = (int(trigger.kind), trigger.name)
            self._named.setdefault(place, _Named()).add(trigger.rule, tag)

    def names(self) -> frozenset[tuple[int, str]]:
        """The kinds and names that set anything off."""
        return frozenset(self._named)

    def find(self, kind: int, name: str, properties: Properties, at: Instant) -> list[T]:
        """The tags of the triggers that this event sets off, one for each, in no order.

        `at` is when it happened: from then relative times are reckoned.
        """
        found: list[T] = []
        if (named := self._named.get((kind, name))) is not None:
            named.find(properties, at, found)
        if kind == Kind.PURCHASE and (named := self._named.get((kind, ANY))) is not None:
            named.find(properties, at, found)
        return found


def _split(rule: Filter) -> tuple[Attribute | None, Predicate | None]:
    """A rule that can be looked up and must hold, and what remains; no such rule: neither."""
    parts = rule.parts if isinstance(rule, AllOf) else (rule,)
    guards = [part for part in parts if isinstance(part, Attribute) and _can_guard(part)]
    if not guards:
        return None, None
    guard = next((one for one in guards if one.op not in _BOUNDS), guards[0])
    rest = tuple(part for part in parts if part is not guard)
    if not rest:
        return guard, None
    return guard, compile_rule(rest[0] if len(rest) == 1 else AllOf(rest))


def _can_guard(rule: Attribute) -> bool:
    return rule.op in (Op.IS, Op.IN, *_BOUNDS) and not rule.inner


def _key(value: object) -> object:
    """Equal for values that the filter language calls equal: true is not 1, and 1 is 1.0."""
    if isinstance(value, bool):
        return (value,)
    if isinstance(value, _NUMBER) and abs(value) > _EXACT:
        return Decimal(repr(value))
    return value
