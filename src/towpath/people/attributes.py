"""Free attributes of a person, typed by their column's suffix: `loyalty_points:number`.

Kinds: text (without suffix), number, boolean, time. A time is kept as ISO 8601 in UTC, so that the
order of the texts is the order of the moments.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from towpath.clock import instant
from towpath.limits import ATTRIBUTE_TEXT_CHARS_MAX
from towpath.people.columns import Refusal
from towpath.people.consent import read_state_word
from towpath.people.filter import moment_key

AttributeValue: TypeAlias = (
    str | int | float | Decimal | bool | Sequence[Any] | Mapping[str, Any] | None
)
"""What JSON can say. A file brings text, numbers, booleans and times; the API lists and objects."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PLAIN_WHOLE = re.compile(r"[1-9][0-9]{0,17}|0")
_PLAIN_FRACTION = re.compile(r"-?(?:[1-9][0-9]{0,17}|0)\.[0-9]{1,17}")
_PLAIN_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NUMBER_CHARS_MAX = 40
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_text(text: str) -> str | Refusal:
    """Any text up to 10,000 characters."""
    if len(text) > ATTRIBUTE_TEXT_CHARS_MAX:
        return Refusal(f"is longer than {ATTRIBUTE_TEXT_CHARS_MAX:,} characters")
    return text


def read_number(text: str) -> int | Decimal | Refusal:
    """A number as JSON writes it, kept exactly; no thousands separators, no guess."""
    if _PLAIN_WHOLE.fullmatch(text):
        return int(text)
    if _PLAIN_FRACTION.fullmatch(text):
        return Decimal(text)
    text = text.strip()
    found = _NUMBER.fullmatch(text)
    if not found or len(text) > _NUMBER_CHARS_MAX or not math.isfinite(float(text)):
        return Refusal("is not a plain number such as 12 or -3.5")
    whole = found[1] is None and found[2] is None and len(text) < 19
    return int(text) if whole else Decimal(text)


def read_boolean(text: str) -> bool | Refusal:
    """true, yes, 1 or false, no, 0, in any case."""
    return _BOOLEANS.get(text.strip().lower(), Refusal("must be true, yes, 1, false, no or 0"))


def read_time(text: str) -> str | Refusal:
    """An ISO 8601 moment with its zone, as UTC text to the microsecond.

    What is written so already, with whole seconds, is only looked whether it exists.
    """
    try:
        if _PLAIN_UTC.fullmatch(text):
            datetime.fromisoformat(text)
            return f"{text[:-1]}.000000Z"
        moment = instant(text.strip())
    except (ValueError, OverflowError):
        return Refusal("is no ISO 8601 time with a zone, such as 2026-03-01T12:00:00Z")
    return f"{moment_key(moment)}Z"


KINDS: Mapping[str, Callable[[str], AttributeValue | Refusal]] = {
    "text": read_text,
    "number": read_number,
    "boolean": read_boolean,
    "time": read_time,
    "consent": read_state_word,
}
