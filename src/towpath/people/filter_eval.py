"""What a filter means, in plain Python, a person at a time: the witness of `store/filter_sql.py`.

Towpath itself asks PostgreSQL, about sets; this says what one mapping matches (an event's
properties, say), and tests compare the two.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from towpath.clock import Instant
from towpath.people.buckets import bucket
from towpath.people.consent import ConsentState
from towpath.people.filter import (
    COLUMNS,
    AllOf,
    AnyOf,
    Attribute,
    Bound,
    Bounds,
    ColumnType,
    ConsentIs,
    DaysAgo,
    Did,
    EnteredCanvas,
    Filter,
    FromNow,
    Has,
    InAudience,
    InBucket,
    InSegment,
    InsideCanvas,
    Measure,
    Not,
    Op,
    Window,
    moment_key,
    resolve,
    time_key,
)

_NEVER = datetime.min.replace(tzinfo=UTC)
_BOUND: dict[str, Callable[[Decimal, Decimal], bool]] = {
    Bound.EXACTLY: operator.eq,
    Bound.ABOVE: operator.gt,
    Bound.AT_LEAST: operator.ge,
    Bound.BELOW: operator.lt,
    Bound.AT_MOST: operator.le,
}
SUMMED_MAX = Decimal("1e300")
"""Greater numbers are left out of sums: no sum can overflow."""


def matches(
    tree: Filter | None,
    person: Mapping[str, Any],
    now: Instant = _NEVER,
    segments: Mapping[str, Filter] | None = None,
) -> bool:
    """Whether the filter (None: everybody) matches this person at `now`.

    `person` holds the typed columns by name, `number`, `attributes` (a mapping), `consent` (a
    ConsentState), `match_keys` (the match fields that have one), `did` (events, as mappings with
    `kind`, `name`, `at`, `properties`, `amount`, `currency`, `quantity`), `entered` and `inside`
    (by Canvas: times, steps) and `audiences` (by the rule: whether it holds); whatever is left out
    is missing, and consent unknown. `segments` holds every segment that the filter reaches. What
    missing means is said in `people/filter.py`.
    """
    return tree is None or _Asked(now, segments or {}, person).holds(tree)


def properties_match(
    tree: Filter, properties: Mapping[str, Any] | None, now: Instant = _NEVER
) -> bool:
    """Whether a filter that `parse_properties` read matches these properties, as JSON has them."""
    return _Asked(now, {}, {"attributes": properties or {}}, typed=False).holds(tree)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question about one person, or (not `typed`) about one mapping."""

    now: Instant
    segments: Mapping[str, Filter]
    person: Mapping[str, Any] = field(repr=False)
    typed: bool = True

    def holds(self, tree: Filter) -> bool:  # noqa: PLR0911 a line a kind
        match tree:
            case AllOf(parts):
                return all(self.holds(part) for part in parts)
            case AnyOf(parts):
                return any(self.holds(part) for part in parts)
            case Not(part):
                return not self.holds(part)
            case Attribute():
                return self._compare(tree)
            case Did():
                return self._did(tree)
            case InSegment(name):
                return self.holds(self.segments[name])
        return self._stands(tree)

    def _stands(self, tree: Filter) -> bool:
        person = self.person
        match tree:
            case ConsentIs(state):
                return bool(person.get("consent", ConsentState.UNKNOWN) == state)
            case Has(match_field):
                return match_field in person.get("match_keys", ())
            case InBucket(bounds):
                return within(bucket(person["number"]), bounds)
            case EnteredCanvas(canvas, window):
                times = person.get("entered", {}).get(canvas, ())
                return any(self._in_window(at, window) for at in times)
            case InsideCanvas(canvas, step):
                steps = person.get("inside", {}).get(canvas, ())
                return step in steps if step else bool(steps)
            case InAudience():
                return bool(person.get("audiences", {}).get(tree, False))
        raise AssertionError(tree)

    def _held(self, rule: Attribute) -> Any:
        if self.typed and rule.name in COLUMNS:
            return self.person.get(rule.name)
        held = self.person.get("attributes", {}).get(rule.name)
        for step in rule.inner:
            held = held.get(step) if isinstance(held, dict) else None
        return held

    def _compare(self, rule: Attribute) -> bool:  # noqa: PLR0911 a line an operator
        wanted: Any = rule.value
        held = self._held(rule)
        match rule.op:
            case Op.EXISTS:
                return (held is not None) is wanted
            case Op.IS | Op.IS_NOT:
                return _same(held, wanted) is (rule.op is Op.IS)
            case Op.IN | Op.NOT_IN:
                return any(_same(held, value) for value in wanted) is (rule.op is Op.IN)
            case Op.INCLUDES | Op.INCLUDES_ANY | Op.INCLUDES_NONE | Op.ITEMS | Op.ANY_ITEM:
                return self._of_items(rule.op, wanted, held)
            case Op.CONTAINS:
                return isinstance(held, str) and wanted in held
            case Op.STARTS_WITH:
                return isinstance(held, str) and held.startswith(wanted)
            case Op.ENDS_WITH:
                return isinstance(held, str) and held.endswith(wanted)
            case Op.BEFORE | Op.AFTER:
                return self._order(rule, held) == (1 if rule.op is Op.AFTER else -1)
            case Op.ANNIVERSARY:
                return _month_day(held) in anniversaries(wanted, self.now)
            case _:
                return _is_number(held) and within(held, Bounds(((Bound(rule.op), wanted),)))

    def _of_items(self, op: Op, wanted: Any, held: Any) -> bool:
        if not isinstance(held, list):
            return op is Op.INCLUDES_NONE
        match op:
            case Op.ITEMS:
                return within(len(held), wanted)
            case Op.ANY_ITEM:
                return any(
                    _Asked(self.now, {}, {"attributes": item}, typed=False).holds(wanted)
                    for item in held
                    if isinstance(item, dict)
                )
        values = (wanted,) if op is Op.INCLUDES else wanted
        found = any(_same(item, value) for item in held for value in values)
        return found is (op is not Op.INCLUDES_NONE)

    def _order(self, rule: Attribute, held: Any) -> int:
        """-1, 0, 1 for earlier, equal, later; 0 when `held` is no time."""
        wanted: Any = rule.value
        if isinstance(wanted, FromNow | DaysAgo):
            wanted = resolve(wanted, self.now)
            if self.typed and COLUMNS.get(rule.name) is ColumnType.DATE:
                wanted = wanted.astimezone(UTC).date()
        if isinstance(held, str):
            mine, other = time_key(held), moment_key(wanted)
            return 0 if mine is None else (mine > other) - (mine < other)
        if held is None or isinstance(held, bool | int | float | list | dict):
            return 0
        return int(held > wanted) - int(held < wanted)

    def _in_window(self, at: Instant, window: Window) -> bool:
        since, before = window.since, window.before
        return (since is None or at >= resolve(since, self.now)) and (
            before is None or at < resolve(before, self.now)
        )

    def _did(self, rule: Did) -> bool:
        meant = [one for one in self.person.get("did", ()) if self._is_meant(rule, one)]
        if isinstance(rule.test, Window):
            times = [one["at"] for one in meant]
            edge = min if rule.measure is Measure.FIRST else max
            return bool(times) and self._in_window(edge(times), rule.test)
        return within(sum((_measured(rule, one) for one in meant), Decimal()), rule.test)

    def _is_meant(self, rule: Did, one: Mapping[str, Any]) -> bool:
        return (
            one["kind"] == rule.kind
            and (one["name"] in rule.names or not rule.names)
            and self._in_window(one["at"], rule.window)
            and (rule.where is None or properties_match(rule.where, one["properties"], self.now))
        )


def _measured(rule: Did, one: Mapping[str, Any]) -> Decimal:
    match rule.measure:
        case Measure.ITEMS:
            return Decimal(one["quantity"] or 1)
        case Measure.TOTAL:
            return Decimal(one["amount"]) if one["currency"] == rule.of else Decimal()
        case Measure.SUM:
            held = (one["properties"] or {}).get(rule.of)
            number = _decimal(held) if _is_number(held) else Decimal()
            return number if abs(number) < SUMMED_MAX else Decimal()
    return Decimal(1)


def anniversaries(within: FromNow, now: Instant) -> list[str]:
    """The days of the year (month-day) from today (UTC) to that many days ahead, or ago. Whoever
    was born on 29 February has the 28th where there is no 29th."""
    today = now.astimezone(UTC).date()
    sign = 1 if within.by >= timedelta() else -1
    days = [today + sign * timedelta(days=n) for n in range(abs(within.by).days + 1)]
    found = {day.strftime("%m-%d") for day in days}
    shorter = any((day.month, day.day) == (2, 28) and not _is_leap(day.year) for day in days)
    return sorted(found | ({"02-29"} if shorter else set()))


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _month_day(held: Any) -> str | None:
    if isinstance(held, str):
        return held[5:10] if time_key(held) else None
    if isinstance(held, datetime):
        return held.astimezone(UTC).strftime("%m-%d")
    return held.strftime("%m-%d") if isinstance(held, date) else None


def within(number: float | Decimal, bounds: Bounds) -> bool:
    """Whether the number is within all the bounds."""
    return all(_BOUND[bound](_decimal(number), _decimal(to)) for bound, to in bounds.bounds)


def _is_number(held: Any) -> bool:
    return isinstance(held, int | float | Decimal) and not isinstance(held, bool)


def _decimal(number: Any) -> Decimal:
    # As it is written: PostgreSQL keeps the digits of a JSON number, not its nearest binary one.
    return number if isinstance(number, Decimal) else Decimal(repr(number))


def _same(held: Any, wanted: Any) -> bool:
    if isinstance(held, bool) or isinstance(wanted, bool):
        return held is wanted
    if _is_number(held) and _is_number(wanted):
        return _decimal(held) == _decimal(wanted)
    return type(held) is type(wanted) and bool(held == wanted)
