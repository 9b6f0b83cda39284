"""JSON on its way to PostgreSQL as it came: what jsonb would refuse is found here, not there.

Bytes are handed on, so that no number is rounded. What makes a value bad is rare and leaves traces
in its bytes; only where there is one is the value walked through.
"""

import re
from decimal import Decimal
from typing import Any

import msgspec

from towpath.limits import (
    ATTRIBUTE_TEXT_CHARS_MAX,
    JSON_BYTES_MAX,
    JSON_DEPTH_MAX,
    NUMBER_DIGITS_MAX,
)
from towpath.people.columns import Refusal

_READ = msgspec.json.Decoder()
_READ_EXACTLY = msgspec.json.Decoder(float_hook=Decimal)
_TINY = re.compile(rb"[0-9][eE]-[0-9]{3}")
_LONG = re.compile(rb"[0-9]{%d}" % (NUMBER_DIGITS_MAX + 1))
_DECIMALS_MAX = 1_000
_NUMBER_MAX = 10**NUMBER_DIGITS_MAX


def read_json(raw: bytes) -> Any | Refusal:
    """What the JSON says, numbers as Python's own; a Refusal when jsonb cannot keep it exactly.

    At most 100 KB, 32 levels, and 10,000 characters a text. Raises msgspec.DecodeError when it is
    no JSON.
    """
    if len(raw) > JSON_BYTES_MAX:
        return Refusal(f"is larger than {JSON_BYTES_MAX:,} bytes")
    try:
        value = _READ.decode(raw)
    except msgspec.ValidationError:
        return Refusal("holds a number that is too large")
    except RecursionError:
        return Refusal("is nested too deeply")
    doubtful = (
        len(raw) > ATTRIBUTE_TEXT_CHARS_MAX
        or b"\\u0000" in raw
        or raw.count(b"{") + raw.count(b"[") > JSON_DEPTH_MAX
        or (b"-" in raw and _TINY.search(raw))
        or (len(raw) > NUMBER_DIGITS_MAX and _LONG.search(raw))
    )
    found = _fault(_READ_EXACTLY.decode(raw), 1) if doubtful else None
    return Refusal(found) if found else value


def exact_json(raw: bytes) -> Any:
    """What the JSON says, numbers with a point as Decimal."""
    return _READ_EXACTLY.decode(raw)


def too_large(number: int | float | Decimal) -> bool:
    """Has it more than NUMBER_DIGITS_MAX digits before the point? No double holds such a number,
    and Python does not read back a whole number of more than 4,300 digits."""
    return not -_NUMBER_MAX < number < _NUMBER_MAX


def _fault(value: Any, depth: int) -> str | None:
    """The first reason why not, or None."""
    if depth > JSON_DEPTH_MAX + 1:
        return "is nested too deeply"
    if isinstance(value, str):
        return _fault_of_text(value)
    if isinstance(value, int | Decimal):
        return _fault_of_number(value)
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        return next(filter(None, (_fault(one, depth + 1) for one in value)), None)
    return None


def _fault_of_text(text: str) -> str | None:
    if "\0" in text:
        return "holds a NUL character"
    if len(text) > ATTRIBUTE_TEXT_CHARS_MAX:
        return f"holds a text longer than {ATTRIBUTE_TEXT_CHARS_MAX:,} characters"
    return None


def _fault_of_number(number: int | Decimal) -> str | None:
    if too_large(number):
        return "holds a number that is too large"
    if isinstance(number, int) or not number:
        return None
    if -int(number.as_tuple().exponent) > _DECIMALS_MAX:
        return f"holds a number with more than {_DECIMALS_MAX:,} decimals"
    return None
