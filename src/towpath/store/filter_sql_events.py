"""Rules about what people did, as SQL: their events added up, once for all who are asked about.

One grouping of the event table gives an array of people, which is left joined. That stays set-wise
wherever in a tree the rule stands, which a subquery under an `or` would not; and as the array comes
from a scalar subquery, it is made once, not by each parallel worker.
"""

from datetime import timedelta

from sqlglot import exp

from towpath.limits import TRACK_AHEAD_S
from towpath.people.filter import (
    Did,
    Measure,
    Window,
    resolve,
)
from towpath.people.filter_eval import SUMMED_MAX, within
from towpath.store.filter_sql_attributes import Root, properties_condition
from towpath.store.filter_sql_parts import Compiled

_PROPERTIES = Root("coalesce(event.properties, cast('{}' as jsonb))", typed=False)
_SUMMED = "(coalesce(event.properties, cast('{}' as jsonb)) -> cast(:of as text))"
# A case is looked at in its order, so that only numbers are cast.
_MEASURE = {
    Measure.COUNT: "count(*)",
    Measure.ITEMS: "sum(coalesce(event.quantity, 1))",
    Measure.SUM: f"coalesce(sum(case when jsonb_typeof({_SUMMED}) = 'number'"
    f" then case when abs(cast({_SUMMED} as numeric)) < cast('{SUMMED_MAX:g}' as numeric)"
    f" then cast({_SUMMED} as numeric) end end), 0)",
    Measure.TOTAL: "coalesce(sum(case when event.currency = cast(:of as text)"
    " then event.amount end), 0)",
    Measure.FIRST: "min(event.at)",
    Measure.LAST: "max(event.at)",
}
_AHEAD = timedelta(seconds=TRACK_AHEAD_S)


def did_condition(rule: Did, into: Compiled) -> exp.Expr:
    """The rule as a condition on what it adds to the joins. Of a test that nought passes, as of
    whoever did nothing, those are joined who fail it."""
    rows = exp.select("did.profile").from_(_added_up(rule, into).subquery("did"))
    if isinstance(rule.test, Window):
        alias = into.join_people(rows.where(_edges("did.value", rule.test, into)))
        return into.fill(f"{alias}.profile is not null")
    passed = into.bounded("did.value", rule.test)
    if within(0, rule.test):
        alias = into.join_people(rows.where(exp.not_(passed)))
        return into.fill(f"{alias}.profile is null")
    alias = into.join_people(rows.where(passed))
    return into.fill(f"{alias}.profile is not null")


def _added_up(rule: Did, into: Compiled) -> exp.Select:
    """People with what their meant events measure; whoever has none is left out."""
    of = {"of": rule.of} if rule.of else {}
    rows = into.fill(
        f"select event.profile, {_MEASURE[rule.measure]} as value from event"  # noqa: S608 fragments of our own
        f" where {into.events} group by event.profile",
        **of,
    )
    assert isinstance(rows, exp.Select)
    if rule.names:
        ids = [
            into.known.events[rule.kind, name]
            for name in rule.names
            if (rule.kind, name) in into.known.events
        ]
        rows = rows.where(into.fill("event.name = any(cast(:names as int[]))", names=ids))
    else:
        # Only purchases have an amount.
        rows = rows.where("event.amount is not null", dialect="postgres")
        rows = rows.where(exp.column("workspace", "event").eq(exp.Placeholder(this="workspace")))
    if rule.window.since is not None or rule.window.before is not None:
        rows = rows.where(_edges("event.at", rule.window, into))
    if rule.window.since is not None:
        # Partitions are days of receipt, and nothing is taken that lies further ahead.
        received = resolve(rule.window.since, into.known.now) - _AHEAD
        rows = rows.where(into.fill("event.received_at >= :value", value=received))
    if rule.where is not None:
        rows = rows.where(properties_condition(rule.where, into, _PROPERTIES))
    return rows


def _edges(moment: str, window: Window, into: Compiled) -> exp.Expr:
    """Whether the moment lies in the window; null when there is no moment."""
    edges = ((">=", window.since), ("<", window.before))
    return exp.and_(
        *(
            into.fill(
                f"{moment} {sign} cast(:value as timestamptz)",
                value=resolve(edge, into.known.now),
            )
            for sign, edge in edges
            if edge is not None
        )
    )
