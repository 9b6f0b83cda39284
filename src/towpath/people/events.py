"""What people do: kinds of events, and an event as a caller tells it, read and checked."""

from decimal import Decimal
from enum import IntEnum
from typing import NamedTuple

from towpath.clock import Instant


class EventKind(IntEnum):
    """What an event's name names; the numbers stand in the database."""

    EVENT = 0
    PURCHASE = 1
    CHANGE = 2


class EventName(NamedTuple):
    """The name of an event, the product of a purchase, or the attribute that changed."""

    kind: EventKind
    name: str


class Happening(NamedTuple):
    """What somebody did: `at` is when; `amount` is price times quantity, of a purchase.

    `properties` is the text of a JSON object that PostgreSQL takes (people/json_text.py).
    """

    name: EventName
    at: Instant
    properties: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    quantity: int | None = None
