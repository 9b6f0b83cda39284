"""Templates of webhooks: Liquid, as marketers know it, with bounds on what one may cost.

A template sees `person`, `context`, `canvas` and, where it is said, `secret`. What is missing is
empty, never the word None. Loops, nesting, memory and output are bounded; files cannot be read, and
`now` is the moment that is handed in.
"""

import json
from collections.abc import Callable, Mapping, Sized
from contextvars import ContextVar
from functools import wraps
from typing import Any

from liquid import Environment
from liquid.builtin.filters.misc import date as liquid_date
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.filter import liquid_filter, string_filter, with_context, with_environment
from liquid.template import BoundTemplate

from towpath.clock import Instant
from towpath.errors import InputError
from towpath.limits import (
    TEMPLATE_CHARS_MAX,
    TEMPLATE_LOOPS_MAX,
    TEMPLATE_MEMORY_BYTES_MAX,
    TEMPLATE_NESTING_MAX,
    TEMPLATE_OUTPUT_BYTES_MAX,
    TEMPLATE_WORK_CHARS_MAX,
)
from towpath.people.filter_parse import nearest

_NOW = "towpath_now"


class _Environment(Environment):
    """Liquid within bounds."""

    context_depth_limit = TEMPLATE_NESTING_MAX
    block_nesting_limit = TEMPLATE_NESTING_MAX
    loop_iteration_limit = TEMPLATE_LOOPS_MAX
    local_namespace_limit = TEMPLATE_MEMORY_BYTES_MAX
    output_stream_limit = TEMPLATE_OUTPUT_BYTES_MAX


@liquid_filter
def _json(value: object) -> str:
    """As JSON, for bodies: `{"name": {{ person.first_name | json }}}`."""
    return json.dumps(value, default=str, ensure_ascii=False)


@string_filter
def _one_line(text: str) -> str:
    """Without line ends, for headers."""
    return " ".join(text.split())


@with_context
@with_environment
@liquid_filter
def _date(value: object, form: str, *, context: Any, environment: Environment) -> Any:
    """Liquid's own, but `now` and `today` are the moment handed in to `Template.render`."""
    moment = context.resolve(_NOW) if value in ("now", "today") else value
    return liquid_date(moment, form, environment=environment)


_WORK: ContextVar[list[int]] = ContextVar("work")
"""How much the filters of one rendering may still go through, in characters and items."""


def _bounded(usual: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, which may not go through more than is left; its result counts as well."""

    @wraps(usual)
    def bounded(value: object, *given: Any, **named: Any) -> Any:
        _spend(value)
        found = usual(value, *given, **named)
        _spend(found)
        return found

    return bounded


def _spend(value: object) -> None:
    size = len(value) if isinstance(value, Sized) else 1
    work = _WORK.get()
    work[0] -= size
    if work[0] < 0 or size > TEMPLATE_MEMORY_BYTES_MAX:
        raise ResourceLimitError("filters go through too much", token=None)


def _environment() -> Environment:
    made = _Environment()
    for tag in ("include", "render"):
        del made.tags[tag]
    for name, meant in (("json", _json), ("one_line", _one_line), ("date", _date)):
        made.add_filter(name, meant)
    for name, usual in list(made.filters.items()):
        made.add_filter(name, _bounded(usual))
    return made


_LIQUID = _environment()


class TemplateFailed(Exception):  # noqa: N818 - a fact about one person's values, handled by value
    """A template could not be rendered for somebody; `why` holds none of their values."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Template:
    """A parsed template."""

    def __init__(self, text: str, where: str) -> None:
        """Raises InputError naming the place, and the line, for what is no template."""
        _WORK.set([TEMPLATE_WORK_CHARS_MAX])
        if len(text) > TEMPLATE_CHARS_MAX:
            raise InputError(
                f"a template has at most {TEMPLATE_CHARS_MAX:,} characters.", field=where
            )
        self.text = text
        try:
            self._parsed: BoundTemplate = _LIQUID.from_string(text)
            used = self._parsed.analyze().filters
        except (LiquidError, RecursionError, ValueError) as error:
            told = str(getattr(error, "message", "")) or "it nests too deep"
            raise InputError(f"this is no template: {told}.", field=where) from None
        for name in used:
            if name not in _LIQUID.filters:
                remedy = nearest(name, _LIQUID.filters)
                raise InputError(f"there is no filter {name:.100}.", remedy=remedy, field=where)

    def render(self, values: Mapping[str, Any], now: Instant) -> str:
        """The text for these values. Raises TemplateFailed beyond the bounds, and for a filter that
        cannot work on what it is given."""
        _WORK.set([TEMPLATE_WORK_CHARS_MAX])
        try:
            return self._parsed.render(**values, **{_NOW: now})
        except ResourceLimitError:
            raise TemplateFailed("the template costs too much") from None
        except Exception as error:  # noqa: BLE001 - whatever the library meets in people's values
            raise TemplateFailed(f"the template failed ({type(error).__name__})") from None
