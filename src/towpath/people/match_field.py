"""Match fields: the kinds of identifier that an Audience Sync step may send.

Each has a bit, so that a set of fields is one small number in a row (`mask`).
"""

from collections.abc import Iterable
from enum import StrEnum


class MatchField(StrEnum):
    """A kind of identifier. TikTok's AAID is our `gaid`."""

    EMAIL = "email"
    PHONE = "phone"
    IDFA = "idfa"
    GAID = "gaid"


ALL_FIELDS: tuple[MatchField, ...] = tuple(MatchField)
_BIT = {field: 1 << place for place, field in enumerate(ALL_FIELDS)}


def mask(fields: Iterable[MatchField]) -> int:
    """The fields as one number, a bit a field."""
    return sum({_BIT[field] for field in fields})


def fields_of(bits: int) -> tuple[MatchField, ...]:
    """The fields of a mask, in the one fixed order. Raises ValueError for an unknown bit."""
    if not 0 <= bits < 1 << len(ALL_FIELDS):
        raise ValueError(f"{bits} is no mask of match fields")
    return tuple(field for field in ALL_FIELDS if bits & _BIT[field])
