"""The filter language as parameterised SQL over `profile` left joined with `match_key`.

Every rule is a fragment below, its values parameters; sqlglot parses a fragment once, joins the
tree and writes it in a dialect, so that another engine needs fragments and no new compiler. No
fragment can fail on a row, whatever its attributes hold, for PostgreSQL tests rules in any order;
and none is ever null, for `not` must turn false into true (people/filter.py).
"""

import json
from datetime import datetime
from functools import cache
from typing import Any

from sqlglot import exp, parse_one

from towpath.people.filter import (
    COLUMNS,
    TIME_FILLING,
    TIME_PATTERN,
    AllOf,
    AnyOf,
    Attribute,
    ColumnType,
    ConsentIs,
    Filter,
    Has,
    Not,
    Op,
    moment_key,
)

_COLUMN = {
    Op.IS: "coalesce(profile.{column} = cast(:value as {type}), false)",
    Op.IN: "coalesce(profile.{column} = any(cast(:value as {type}[])), false)",
    Op.CONTAINS: "coalesce(strpos(profile.{column}, cast(:value as text)) > 0, false)",
    Op.BEFORE: "coalesce(profile.{column} < cast(:value as {type}), false)",
    Op.AFTER: "coalesce(profile.{column} > cast(:value as {type}), false)",
    Op.EXISTS: "profile.{column} is not null",
}
_SQL_TYPE = {ColumnType.TEXT: "text", ColumnType.DATE: "date", ColumnType.TIME: "timestamptz"}

# jsonb compares across types without failing, so a number needs no cast, only its type looked at.
_HELD = "(profile.attributes -> cast(:name as text))"
_HELD_TEXT = "(profile.attributes ->> cast(:name as text))"
_NUMBER = (
    f"coalesce(jsonb_typeof({_HELD}) = 'number' and {_HELD} {{}} cast(:value as jsonb), false)"
)
_TIME = f"""coalesce({_HELD_TEXT} ~ '{TIME_PATTERN}'
  and (rtrim({_HELD_TEXT}, 'Z')
    || substr('{TIME_FILLING}', length(rtrim({_HELD_TEXT}, 'Z')) + 1)) collate "C"
  {{}} cast(:value as text), false)"""
_FREE = {
    Op.IS: f"coalesce({_HELD} = cast(:value as jsonb), false)",
    Op.IN: f"coalesce({_HELD} = any(cast(cast(:value as text[]) as jsonb[])), false)",
    Op.ABOVE: _NUMBER.format(">"),
    Op.AT_LEAST: _NUMBER.format(">="),
    Op.BELOW: _NUMBER.format("<"),
    Op.AT_MOST: _NUMBER.format("<="),
    Op.BEFORE: _TIME.replace("{}", "<"),
    Op.AFTER: _TIME.replace("{}", ">"),
    Op.CONTAINS: f"coalesce(jsonb_typeof({_HELD}) = 'string'"
    f" and strpos({_HELD_TEXT}, cast(:value as text)) > 0, false)",
    Op.EXISTS: f"coalesce(jsonb_typeof({_HELD}) <> 'null', false)",
}
_OPPOSITE = {Op.IS_NOT: Op.IS, Op.NOT_IN: Op.IN}


def compile_filter(tree: Filter | None) -> tuple[bytes, dict[str, Any]]:
    """A condition (never null) and its parameters, named f0, f1, ...; None is everybody.

    The statement around it must name `profile`, and `match_key` left joined to it.
    """
    values: dict[str, Any] = {}
    condition = exp.true() if tree is None else _condition(tree, values)
    return condition.sql("postgres").encode(), values


def _condition(tree: Filter, values: dict[str, Any]) -> exp.Expr:
    match tree:
        case AllOf(parts):
            return exp.and_(*(_condition(part, values) for part in parts))
        case AnyOf(parts):
            return exp.or_(*(_condition(part, values) for part in parts))
        case Not(part):
            return exp.not_(_condition(part, values))
        case ConsentIs(state):
            return _fill("profile.consent = :value", values, value=state.value)
        case Has(field):
            return _fill(f"match_key.{field.value} is not null", values)
        case Attribute():
            return _rule(tree, values)


def _rule(rule: Attribute, values: dict[str, Any]) -> exp.Expr:
    op = _OPPOSITE.get(rule.op, rule.op)
    column = COLUMNS.get(rule.name)
    if op is Op.EXISTS:
        value = {}
    elif column is None:
        value = {"value": _free_value(op, rule.value)}
    else:
        value = {"value": list(rule.value) if isinstance(rule.value, tuple) else rule.value}
    if column is None:
        condition = _fill(_FREE[op], values, name=rule.name, **value)
    else:
        fragment = _COLUMN[op].format(column=rule.name, type=_SQL_TYPE[column])
        condition = _fill(fragment, values, **value)
    turned = op is not rule.op or (op is Op.EXISTS and rule.value is False)
    return exp.not_(condition) if turned else condition


def _free_value(op: Op, value: Any) -> Any:
    if op is Op.CONTAINS:
        return value
    if isinstance(value, datetime):
        return moment_key(value)
    if isinstance(value, tuple):
        return [json.dumps(one) for one in value]
    return json.dumps(value)


def _fill(fragment: str, values: dict[str, Any], **given: Any) -> exp.Expr:
    names = {}
    for name, value in given.items():
        key = f"f{len(values)}"
        values[key] = value
        names[name] = exp.Placeholder(this=key)
    return exp.replace_placeholders(_parsed(fragment).copy(), **names)


@cache
def _parsed(fragment: str) -> exp.Expr:
    return parse_one(fragment, read="postgres")
