"""Rules on attributes as SQL: a person's own columns, and whatever lies in jsonb, item by item."""

import json
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlglot import exp

from towpath.clock import Instant
from towpath.people.filter import (
    COLUMNS,
    TIME_FILLING,
    TIME_PATTERN,
    Attribute,
    ColumnType,
    DaysAgo,
    Filter,
    FromNow,
    Op,
    moment_key,
    resolve,
)
from towpath.people.filter_eval import anniversaries
from towpath.store.filter_sql_parts import SIGN, Compiled, joined, parsed

_COLUMN = {
    Op.IS: "coalesce(profile.{column} = cast(:value as {type}), false)",
    Op.IN: "coalesce(profile.{column} = any(cast(:value as {type}[])), false)",
    Op.CONTAINS: "coalesce(strpos(profile.{column}, cast(:value as text)) > 0, false)",
    Op.STARTS_WITH: "coalesce(left(profile.{column}, length(cast(:value as text)))"
    " = cast(:value as text), false)",
    Op.ENDS_WITH: "coalesce(right(profile.{column}, length(cast(:value as text)))"
    " = cast(:value as text), false)",
    Op.BEFORE: "coalesce(profile.{column} < cast(:value as {type}), false)",
    Op.AFTER: "coalesce(profile.{column} > cast(:value as {type}), false)",
    Op.ANNIVERSARY: "coalesce(to_char({day}, 'MM-DD') = any(cast(:value as text[])), false)",
    Op.EXISTS: "profile.{column} is not null",
}
_SQL_TYPE = {ColumnType.TEXT: "text", ColumnType.DATE: "date", ColumnType.TIME: "timestamptz"}

# jsonb compares across types without failing, so a number needs no cast, only its type looked at.
_NUMBER = "coalesce(jsonb_typeof({held}) = 'number' and {held} {op} cast(:value as jsonb), false)"
_IS_TIME = f"{{text}} ~ '{TIME_PATTERN}'"
_TIME = f"""coalesce({_IS_TIME}
  and (rtrim({{text}}, 'Z')
    || substr('{TIME_FILLING}', length(rtrim({{text}}, 'Z')) + 1)) collate "C"
  {{op}} cast(:value as text), false)"""
_IS_TEXT = "coalesce(jsonb_typeof({held}) = 'string' and "
_IS_LIST = "coalesce(jsonb_typeof({held}) = 'array' and "
_LIST = "case when jsonb_typeof({held}) = 'array' then {held} else cast('[]' as jsonb) end"
_FREE = {
    Op.IS: "coalesce({held} = cast(:value as jsonb), false)",
    Op.IN: "coalesce({held} = any(cast(cast(:value as text[]) as jsonb[])), false)",
    Op.ABOVE: _NUMBER.replace("{op}", ">"),
    Op.AT_LEAST: _NUMBER.replace("{op}", ">="),
    Op.BELOW: _NUMBER.replace("{op}", "<"),
    Op.AT_MOST: _NUMBER.replace("{op}", "<="),
    Op.BEFORE: _TIME.replace("{op}", "<"),
    Op.AFTER: _TIME.replace("{op}", ">"),
    Op.ANNIVERSARY: f"coalesce({_IS_TIME}"
    " and substr({text}, 6, 5) = any(cast(:value as text[])), false)",
    Op.CONTAINS: _IS_TEXT + "strpos({text}, cast(:value as text)) > 0, false)",
    Op.STARTS_WITH: _IS_TEXT
    + "left({text}, length(cast(:value as text))) = cast(:value as text), false)",
    Op.ENDS_WITH: _IS_TEXT
    + "right({text}, length(cast(:value as text))) = cast(:value as text), false)",
    Op.INCLUDES_ANY: _IS_LIST + "{held} @> any(cast(cast(:value as text[]) as jsonb[])), false)",
    Op.EXISTS: "coalesce(jsonb_typeof({held}) <> 'null', false)",
}
_OPPOSITE = {Op.IS_NOT: Op.IS, Op.NOT_IN: Op.IN, Op.INCLUDES_NONE: Op.INCLUDES_ANY}


@dataclass(frozen=True, slots=True)
class Root:
    """Where a filter's attributes are found: the jsonb expression `held`; `typed` for a person,
    some of whose attributes have a column. `depth` keeps the names of items apart."""

    held: str
    typed: bool
    depth: int = 0


PERSON = Root("profile.attributes", typed=True)


def properties_condition(tree: Filter, into: Compiled, root: Root) -> exp.Expr:
    """A filter of attributes alone (filter_parse.parse_properties) as a condition."""

    def rule(found: Filter) -> exp.Expr:
        assert isinstance(found, Attribute)
        return attribute_condition(found, into, root)

    return joined(tree, rule)


def attribute_condition(rule: Attribute, into: Compiled, root: Root = PERSON) -> exp.Expr:
    """One comparison as a condition that is never null."""
    op = _OPPOSITE.get(rule.op, rule.op)
    column = COLUMNS.get(rule.name) if root.typed else None
    if column is not None:
        found = _of_column(rule, op, column, into)
    else:
        found = _of_held(rule, op, into, root)
    turned = op is not rule.op or (op is Op.EXISTS and rule.value is False)
    return exp.not_(found) if turned else found


def _of_column(rule: Attribute, op: Op, column: ColumnType, into: Compiled) -> exp.Expr:
    value: Any = rule.value
    day = f"profile.{rule.name}" + (" at time zone 'UTC'" if column is ColumnType.TIME else "")
    fragment = _COLUMN[op].format(column=rule.name, type=_SQL_TYPE[column], day=day)
    if op is Op.EXISTS:
        return into.fill(fragment)
    if op is Op.ANNIVERSARY:
        value = anniversaries(value, into.known.now)
    elif isinstance(value, FromNow | DaysAgo):
        moment = resolve(value, into.known.now)
        value = moment.astimezone(UTC).date() if column is ColumnType.DATE else moment
    return into.fill(fragment, value=list(value) if isinstance(value, tuple) else value)


def _of_held(rule: Attribute, op: Op, into: Compiled, root: Root) -> exp.Expr:
    names = {f"n{place}": name for place, name in enumerate((rule.name, *rule.inner))}
    steps = [f"cast(:{key} as text)" for key in names]
    held = "(" + " -> ".join([root.held, *steps]) + ")"
    text = "(" + " -> ".join([root.held, *steps[:-1]]) + f" ->> {steps[-1]})"
    value: Any = rule.value
    if op is Op.ITEMS:
        return _items(rule.value, held, names, into)
    if op is Op.ANY_ITEM:
        return _any_item(value, held, names, into, root)
    if op is Op.INCLUDES:
        op, value = Op.INCLUDES_ANY, (value,)
    fragment = _FREE[op].replace("{held}", held).replace("{text}", text)
    if op is Op.EXISTS:
        return into.fill(fragment, **names)
    return into.fill(fragment, **names, value=_free_value(op, value, into.known.now))


def _items(bounds: Any, held: str, names: dict[str, str], into: Compiled) -> exp.Expr:
    is_list = into.fill(f"coalesce(jsonb_typeof({held}) = 'array', false)", **names)
    count = into.fill(f"jsonb_array_length({_LIST.format(held=held)})", **names)
    tests = [
        exp.replace_placeholders(
            parsed(f"coalesce(:count {SIGN[bound]} :to, false)").copy(),
            count=count.copy(),
            to=into.fill("cast(:value as numeric)", value=str(to)),
        )
        for bound, to in bounds.bounds
    ]
    return exp.and_(is_list, *tests)


def _any_item(
    tree: Filter, held: str, names: dict[str, str], into: Compiled, root: Root
) -> exp.Expr:
    item = f"item{root.depth}"
    rows = into.fill(
        f"select 1 from jsonb_array_elements({_LIST.format(held=held)}) as {item}(value)"  # noqa: S608 fragments of our own
        f" where jsonb_typeof({item}.value) = 'object'",
        **names,
    )
    assert isinstance(rows, exp.Select)
    inner = Root(f"{item}.value", typed=False, depth=root.depth + 1)
    return exp.Exists(this=rows.where(properties_condition(tree, into, inner)))


def _free_value(op: Op, value: Any, now: Instant) -> Any:
    if op in {Op.CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH}:
        return value
    if op is Op.ANNIVERSARY:
        return anniversaries(value, now)
    if op in {Op.BEFORE, Op.AFTER}:
        return moment_key(resolve(value, now))
    if op is Op.INCLUDES_ANY:
        return [json.dumps([one]) for one in value]
    return [json.dumps(one) for one in value] if isinstance(value, tuple) else json.dumps(value)
