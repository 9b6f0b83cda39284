"""Entry: when people enter a Canvas, who may, again or not, how many, and what they carry along.

People enter by exactly one door: at a time, by a recurring schedule, on what they do, or by the
API. What concerns everybody stands beside it: the filter, re-entry, limits, the control group, and
what lets people out again before the end.
"""

import re
from dataclasses import astuple, dataclass
from dataclasses import fields as dataclass_fields
from datetime import timedelta
from typing import Any, Literal, Self, TypeAlias

from towpath.canvas.delays import parse_span, span_text
from towpath.canvas.fields import Fields
from towpath.canvas.schedule import Schedule, next_occurrence
from towpath.canvas.step import written
from towpath.canvas.triggers import Trigger, parse_triggers
from towpath.clock import Instant, instant
from towpath.errors import InputError
from towpath.ids import StepId
from towpath.limits import (
    ATTRIBUTE_NAME_CHARS_MAX,
    CONTEXT_NAMES_MAX,
    PROFILE_NUMBER_MAX,
    RETENTION_DAYS,
    TRIGGERS_MAX,
)
from towpath.people.filter import Filter, to_data
from towpath.people.filter_parse import one_of, parse_filter

EntryTime: TypeAlias = Instant | Literal["launch"]
_DOORS = ("at", "schedule", "on", "by")
_SHARE = re.compile(r"([0-9]{1,2})(?:[.]([0-9]{1,2}))?%")
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Reentry:
    """May people enter again, and how long after their last entry? None: never; zero: always.

    Who may, may even while an earlier entry is still on its way: each entry has a lane of its own.
    """

    after: timedelta | None


NEVER = Reentry(None)
ALWAYS = Reentry(timedelta())


@dataclass(frozen=True, slots=True)
class Limits:
    """How many people may enter: at one opening of the door, in an hour or a day of the calendar
    (UTC), and ever, all versions together. None: as many as come."""

    per_run: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    total: int | None = None


UNLIMITED = Limits()
_LIMITS = tuple(one.name for one in dataclass_fields(Limits))


@dataclass(frozen=True, slots=True)
class Entry:
    """What is None or empty, the draft has not said, or does not ask for.

    The doors: `at`, `schedule`, `on` (what people do) or `by_api`; `start` and `end` say from when
    and until when the last three are open. `filter` is None: everybody. `control` is how many of
    10,000 are kept out for good. With a `key`, a property of the event, people enter once for each
    value of it. `context`: which properties they carry along, all of them when it is True. People
    leave when `exit_on` happens, or when they match `exit_filter`.
    """

    at: EntryTime | None
    filter: Filter | None
    reentry: Reentry
    first: StepId | None
    schedule: Schedule | None = None
    on: tuple[Trigger, ...] = ()
    by_api: bool = False
    start: Instant | None = None
    end: Instant | None = None
    limits: Limits = UNLIMITED
    control: int = 0
    key: str | None = None
    context: bool | tuple[str, ...] = False
    exit_on: tuple[Trigger, ...] = ()
    exit_filter: Filter | None = None

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read the entry. Raises InputError naming the place; two doors are one too many."""
        known = (*_DOORS, "filter", "reentry", "first", "start", "end", "limits", "control")
        fields = Fields({} if data is None else data, where, (*known, "key", "context", "exit_on"))
        doors = [door for door in _DOORS if fields.raw(door) is not None]
        if len(doors) > 1:
            raise InputError(
                f"people enter by one door: {doors[0]} and {doors[1]} stand together.",
                remedy="Keep one of them.",
                field=where,
            )
        _check_fitting(fields, doors)
        exit_on, exit_filter = _exits(fields.raw("exit_on"), fields.path("exit_on"))
        return cls(
            _at(fields.raw("at"), fields.path("at")),
            _filter(fields),
            _reentry(fields.raw("reentry"), fields.path("reentry")),
            fields.step("first"),
            schedule=_schedule(fields),
            on=_on(fields),
            by_api=fields.word("by", ("api",)) is not None,
            start=_moment(fields.raw("start"), fields.path("start")),
            end=_moment(fields.raw("end"), fields.path("end")),
            limits=_limits(fields.raw("limits"), fields.path("limits"), doors),
            control=_control(fields.raw("control"), fields.path("control")),
            key=_property(fields.raw("key"), fields.path("key")),
            context=_context(fields.raw("context"), fields.path("context")),
            exit_on=exit_on,
            exit_filter=exit_filter,
        )

    def to_data(self) -> dict[str, Any]:
        """The entry as it is written."""
        limits = dict(zip(_LIMITS, astuple(self.limits), strict=True))
        exits = [trigger.to_data() for trigger in self.exit_on]
        if self.exit_filter is not None:
            exits.append({"filter": to_data(self.exit_filter)})
        return written(
            at=self.at if isinstance(self.at, str) else _text(self.at),
            schedule=None if self.schedule is None else self.schedule.to_data(),
            on=[trigger.to_data() for trigger in self.on] or None,
            by="api" if self.by_api else None,
            start=_text(self.start),
            end=_text(self.end),
            filter=None if self.filter is None else to_data(self.filter),
            reentry=_reentry_data(self.reentry),
            limits=written(**limits) or None,
            control=f"{self.control / 100:g}%" if self.control else None,
            key=self.key,
            context=list(self.context) if isinstance(self.context, tuple) else self.context or None,
            exit_on=exits or None,
            first=self.first,
        )

    @property
    def has_door(self) -> bool:
        """Whether it is said when, or on what, people enter."""
        return bool(self.at or self.schedule or self.on or self.by_api)

    @property
    def one_by_one(self) -> bool:
        """Do people enter each at a time of their own: when they act, or a call names them?"""
        return bool(self.on or self.by_api)

    def opens_at(self, launched: Instant) -> Instant | None:
        """When time first lets people in, of a version launched at `launched`; None: time does
        not, or not any more."""
        if self.schedule is not None:
            return self.opens_again(max(launched, self.start or launched) - _MOMENT)
        return launched if self.at == "launch" else self.at

    def opens_again(self, after: Instant) -> Instant | None:
        """When a schedule lets people in next, later than `after`; None: never."""
        found = None if self.schedule is None else next_occurrence(self.schedule, after)
        return None if found is None or (self.end is not None and found >= self.end) else found

    def is_open(self, at: Instant) -> bool:
        """Whether what happens at this moment lies between `start` and `end`."""
        return (self.start is None or at >= self.start) and (self.end is None or at < self.end)


def _check_fitting(fields: Fields, doors: list[str]) -> None:
    """What only some doors have."""
    fitting = {
        "start": ("schedule", "on", "by"),
        "end": ("schedule", "on", "by"),
        "key": ("on", "by"),
        "context": ("on", "by"),
    }
    for key, right in fitting.items():
        if fields.raw(key) and doors and doors[0] not in right:
            raise InputError(
                f"{key} goes only with {', '.join(right)}.",
                remedy="Leave it out.",
                field=fields.path(key),
            )


def _filter(fields: Fields) -> Filter | None:
    tree = fields.raw("filter")
    return None if tree is None else parse_filter(tree, fields.path("filter"))


def _schedule(fields: Fields) -> Schedule | None:
    found = fields.raw("schedule")
    return None if found is None else Schedule.parse(found, fields.path("schedule"))


def _on(fields: Fields) -> tuple[Trigger, ...]:
    found = fields.raw("on")
    return () if found is None else parse_triggers(found, fields.path("on"))


def _at(data: object, where: str) -> EntryTime | None:
    return "launch" if data == "launch" else _moment(data, where, "the word launch, or ")


def _moment(data: object, where: str, other: str = "") -> Instant | None:
    if data is None:
        return None
    try:
        return instant(data if isinstance(data, str) else "")
    except (ValueError, OverflowError):
        raise InputError(
            f"{other}a time with its zone, is needed."
            if other
            else "a time with its zone is needed.",
            remedy="Write 2026-03-01T09:00:00Z.",
            field=where,
        ) from None


def _text(moment: Instant | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _reentry(data: object, where: str) -> Reentry:
    if isinstance(data, dict):
        fields = Fields(data, where, ("after",))
        # Entry sets are kept so long; a longer window could not be answered.
        most = timedelta(days=RETENTION_DAYS)
        return Reentry(parse_span(fields.raw("after"), fields.path("after"), most=most))
    word = "never" if data is None else one_of(data, ("never", "always"), where)
    return NEVER if word == "never" else ALWAYS


def _reentry_data(reentry: Reentry) -> str | dict[str, str]:
    if reentry.after is None:
        return "never"
    return {"after": span_text(reentry.after)} if reentry.after else "always"


def _limits(data: object, where: str, doors: list[str]) -> Limits:
    if data is None:
        return UNLIMITED
    fields = Fields(data, where, _LIMITS)
    if fields.raw("per_run") is not None and doors and doors[0] not in {"at", "schedule"}:
        raise InputError(
            "there are no runs when people enter by what they do, or by the API.",
            remedy="Write per_hour, per_day or total.",
            field=fields.path("per_run"),
        )
    for name in _LIMITS:
        count = fields.raw(name)
        whole = isinstance(count, int) and not isinstance(count, bool)
        if count is not None and not (whole and 1 <= count <= PROFILE_NUMBER_MAX):
            raise InputError("a number of people, 1 or more, is needed.", field=fields.path(name))
    return Limits(*(fields.raw(name) for name in _LIMITS))


def _control(data: object, where: str) -> int:
    if data is None:
        return 0
    found = _SHARE.fullmatch(data) if isinstance(data, str) else None
    if found is None:
        raise InputError("a share below 100 % is needed.", remedy="Write 5% or 0.5%.", field=where)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def _property(data: object, where: str) -> str | None:
    if data is None:
        return None
    if not isinstance(data, str) or not 1 <= len(data) <= ATTRIBUTE_NAME_CHARS_MAX:
        raise InputError("the name of a property is needed.", field=where)
    return data


def _context(data: object, where: str) -> bool | tuple[str, ...]:
    if data is None or isinstance(data, bool):
        return bool(data)
    if not isinstance(data, list) or not 1 <= len(data) <= CONTEXT_NAMES_MAX:
        raise InputError(
            f"true, or a list of 1 to {CONTEXT_NAMES_MAX} names of properties, is needed.",
            field=where,
        )
    names = (_property(one, f"{where}[{place}]") for place, one in enumerate(data))
    return tuple(name for name in names if name is not None)


def _exits(data: object, where: str) -> tuple[tuple[Trigger, ...], Filter | None]:
    """The exit criteria: triggers, and at most one {filter: ...} among them."""
    if data is None:
        return (), None
    if not isinstance(data, list) or not 1 <= len(data) <= TRIGGERS_MAX:
        raise InputError(f"a list of 1 to {TRIGGERS_MAX} is needed.", field=where)
    triggers: list[Trigger] = []
    tree: Filter | None = None
    for place, one in enumerate(data):
        path = f"{where}[{place}]"
        if not (isinstance(one, dict) and "filter" in one):
            triggers.append(Trigger.parse(one, path))
        elif tree is not None:
            raise InputError("one filter is enough.", remedy="Join two by any: [...].", field=path)
        else:
            tree = parse_filter(Fields(one, path, ("filter",)).raw("filter"), f"{path}.filter")
    return tuple(triggers), tree
