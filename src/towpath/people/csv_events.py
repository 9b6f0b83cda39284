"""From rows of an events file to what people did: events and purchases, each row one.

A row names `event`, or `product_id` with `price` and `currency`. Other columns are properties,
typed by a suffix like attributes. A bad property is refused alone; without its person, name or time
an event is none, and its row is refused.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from towpath.clock import Instant
from towpath.errors import InputError
from towpath.limits import PRICE_MAX, QUANTITY_MAX
from towpath.people import attributes, profile
from towpath.people.columns import Refusal
from towpath.people.csv_columns import (
    CellRefusal,
    Header,
    Reading,
    read_attributes,
    read_header,
    with_good_ids,
)
from towpath.people.csv_rows import RowChunk
from towpath.people.events import EventKind, EventName, Happening
from towpath.people.track import CURRENCIES

EVENT_COLUMNS = (
    "external_id", "event", "at", "event_id", "product_id", "price", "currency", "quantity",
)  # fmt: skip
# An id that cannot be read must not let its event in twice; nor a quantity count as one.
FATAL = frozenset({"event", "product_id", "at", "event_id", "price", "currency", "quantity"})
"""Whoever's cell here cannot be read has no event in that row: the whole row is refused."""
_JSON = msgspec.json.Encoder(decimal_format="number")


class EventLine(NamedTuple):
    """What a line tells: whose, what, and the id it came with."""

    line: int
    external_id: str
    happening: Happening
    event_id: str | None


def read_events_header(cells: Sequence[str]) -> Header:
    """What the first line says. Raises InputError naming what is missing or cannot be."""
    header = read_header(cells, EVENT_COLUMNS)
    if "at" not in header.known:
        raise InputError(
            "No column is named at.", remedy="Name the time of the event at.", field="line 1"
        )
    if not {"event", "product_id"} & header.known.keys():
        raise InputError(
            "No column is named event, and none product_id.",
            remedy="Name what happened: event, or product_id of a purchase.",
            field="line 1",
        )
    return header


def read_events(
    header: Header, chunk: RowChunk, now: Instant
) -> tuple[list[EventLine], list[CellRefusal]]:
    """The chunk's events in the order of its lines, and what is refused."""
    good, refused = with_good_ids(header, chunk)
    if not good.rows:
        return [], refused
    reading = Reading(header, list(zip(*good.rows, strict=True)), good.lines)
    columns: dict[str, list[Any]] = {
        "external_id": reading.cells("external_id"),
        "event": reading.read("event", profile.read_name),
        "product_id": reading.read("product_id", profile.read_name),
        "at": reading.read("at", lambda text: profile.read_past(text, now)),
        "event_id": reading.read("event_id", profile.read_external_id),
        "price": reading.read("price", _read_price),
        "currency": reading.read("currency", _read_currency),
        "quantity": reading.read("quantity", _read_quantity),
    }
    bad = {cell.line for cell in reading.refused if cell.column in FATAL}
    properties = read_attributes(reading)
    found = []
    for index, line in enumerate(good.lines):
        if line in bad:
            continue
        row = {name: cells[index] for name, cells in columns.items()}
        happening = _happening(row, properties[index])
        if isinstance(happening, Refusal):
            reading.refused.append(CellRefusal(line, "", happening.reason))
        else:
            found.append(EventLine(line, row["external_id"], happening, row["event_id"]))
    return found, sorted(refused + reading.refused)


def _happening(row: dict[str, Any], properties: Any) -> Happening | Refusal:
    missing = next((reason for is_so, reason in _NO_EVENT if is_so(row)), None)
    if missing:
        return Refusal(missing)
    told = _JSON.encode(properties).decode() if properties else None
    if row["event"]:
        return Happening(EventName(EventKind.EVENT, row["event"]), row["at"], told)
    quantity = row["quantity"] or 1
    return Happening(
        EventName(EventKind.PURCHASE, row["product_id"]),
        row["at"],
        told,
        amount=round(row["price"] * quantity, 6),
        currency=row["currency"],
        quantity=quantity,
    )


_NO_EVENT: tuple[tuple[Callable[[dict[str, Any]], bool], str], ...] = (
    (lambda row: row["at"] is None, "has no time in at"),
    (lambda row: not row["event"] and not row["product_id"], "has neither event nor product_id"),
    (lambda row: bool(row["event"] and row["product_id"]), "has both event and product_id"),
    (
        lambda row: bool(row["product_id"]) and (row["price"] is None or row["currency"] is None),
        "is a purchase without price or currency",
    ),
)


def _read_price(text: str) -> Decimal | Refusal:
    found = attributes.read_number(text)
    if isinstance(found, Refusal):
        return found
    if found > PRICE_MAX or found < -PRICE_MAX:
        return Refusal(f"is more than {PRICE_MAX:,}")
    return Decimal(found)


def _read_currency(text: str) -> str | Refusal:
    code = text.upper()
    return code if code in CURRENCIES else Refusal("is no currency of ISO 4217, such as BRL")


def _read_quantity(text: str) -> int | Refusal:
    found = attributes.read_number(text)
    if isinstance(found, int) and found in range(1, QUANTITY_MAX + 1):
        return found
    return Refusal(f"is no whole number from 1 to {QUANTITY_MAX}")
