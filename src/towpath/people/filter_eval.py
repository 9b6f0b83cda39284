"""What a filter means, in plain Python, a person at a time: the witness of `store/filter_sql.py`.

Towpath itself asks PostgreSQL, about sets; this explains one person, and tests compare the two.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from towpath.people.consent import ConsentState
from towpath.people.filter import (
    COLUMNS,
    AllOf,
    AnyOf,
    Attribute,
    ConsentIs,
    Filter,
    Has,
    Not,
    Op,
    moment_key,
    time_key,
)

_BOUND: dict[Op, Callable[[Decimal, Decimal], bool]] = {
    Op.ABOVE: operator.gt,
    Op.AT_LEAST: operator.ge,
    Op.BELOW: operator.lt,
    Op.AT_MOST: operator.le,
}


def matches(  # noqa: PLR0911 a line a kind
    tree: Filter | None, person: Mapping[str, Any]
) -> bool:
    """Whether the filter (None: everybody) matches this person.

    `person` holds the typed columns by name, `attributes` (a mapping), `consent` (a
    ConsentState) and `match_keys` (the match fields that have one); whatever is left out is
    missing, and consent unknown. What missing means is said in `people/filter.py`.
    """
    match tree:
        case None:
            return True
        case AllOf(parts):
            return all(matches(part, person) for part in parts)
        case AnyOf(parts):
            return any(matches(part, person) for part in parts)
        case Not(part):
            return not matches(part, person)
        case ConsentIs(state):
            return bool(person.get("consent", ConsentState.UNKNOWN) == state)
        case Has(field):
            return field in person.get("match_keys", ())
        case Attribute():
            held = person if tree.name in COLUMNS else person.get("attributes", {})
            return _compare(tree, held.get(tree.name))


def _compare(rule: Attribute, held: Any) -> bool:  # noqa: PLR0911 a line an operator
    wanted: Any = rule.value
    match rule.op:
        case Op.EXISTS:
            return (held is not None) is wanted
        case Op.IS | Op.IS_NOT:
            return _same(held, wanted) is (rule.op is Op.IS)
        case Op.IN | Op.NOT_IN:
            return any(_same(held, value) for value in wanted) is (rule.op is Op.IN)
        case Op.CONTAINS:
            return isinstance(held, str) and wanted in held
        case Op.BEFORE | Op.AFTER:
            return _order(held, wanted) == (1 if rule.op is Op.AFTER else -1)
        case _:
            if isinstance(held, bool) or not isinstance(held, int | float):
                return False
            return _BOUND[rule.op](_decimal(held), _decimal(wanted))


def _decimal(number: float) -> Decimal:
    # As it is written: PostgreSQL keeps the digits of a JSON number, not its nearest binary one.
    return Decimal(repr(number))


def _same(held: Any, wanted: Any) -> bool:
    if isinstance(held, bool) or isinstance(wanted, bool):
        return held is wanted
    if isinstance(held, int | float) and isinstance(wanted, int | float):
        return _decimal(held) == _decimal(wanted)
    return type(held) is type(wanted) and bool(held == wanted)


def _order(held: Any, wanted: date | datetime) -> int:
    """-1, 0, 1 for earlier, equal, later; 0 when `held` is no time."""
    if isinstance(held, str):
        assert isinstance(wanted, datetime)
        mine, other = time_key(held), moment_key(wanted)
        return 0 if mine is None else (mine > other) - (mine < other)
    if held is None or isinstance(held, bool | int | float | list | dict):
        return 0
    return int(held > wanted) - int(held < wanted)
