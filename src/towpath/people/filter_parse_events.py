"""Reads the rules about what people did, and about the Canvases and audiences that they are in."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from towpath.errors import InputError
from towpath.people.events import EventKind
from towpath.people.filter import (
    Bound,
    Bounds,
    Did,
    EnteredCanvas,
    Filter,
    InAudience,
    InsideCanvas,
    Measure,
    Standing,
    Window,
)
from towpath.people.filter_values import (
    WINDOW,
    check_whole,
    one_of,
    read_bounds,
    read_list,
    read_name,
    read_window,
    unknown,
)

_CURRENCY = re.compile("[A-Z]{3}")
_AT_LEAST_ONCE = Bounds(((Bound.AT_LEAST, 1),))
_MEASURES = ("sum", "total", "count", "first", "last")
_OF_EVENT = ("event", "sum", "first", "last", *Bound, *WINDOW, "where")
_OF_PURCHASE = ("purchase", "product", "count", "total", *_OF_EVENT[1:])


def read_did(data: Mapping[Any, Any], where: str, inner: Callable[[object, str], Filter]) -> Did:
    """`{event: NAME, …}` or `{purchase: any, …}`; `inner` reads the filter of the properties."""
    kind = EventKind.EVENT if "event" in data else EventKind.PURCHASE
    _only(data, _OF_EVENT if kind is EventKind.EVENT else _OF_PURCHASE, where)
    measure, of = _measure(data, where)
    found = read_bounds(data, where)
    if found is not None and measure in {Measure.COUNT, Measure.ITEMS}:
        check_whole(found, where)
    test: Bounds | Window
    if measure in {Measure.FIRST, Measure.LAST}:
        if found is not None:
            raise InputError(f"{measure} is compared with times alone.", field=where)
        test = _first_or_last(data[measure], f"{where}.{measure}")
    elif found is None and measure is not Measure.COUNT:
        raise InputError(
            f"{measure} needs a comparison.", remedy="Write at_least: 100.", field=where
        )
    else:
        test = found or _AT_LEAST_ONCE
    properties = inner(data["where"], f"{where}.where") if "where" in data else None
    return Did(
        kind, _names(kind, data, where), measure, test, of, read_window(data, where), properties
    )


def _names(kind: EventKind, data: Mapping[Any, Any], where: str) -> tuple[str, ...]:
    if kind is EventKind.EVENT:
        return (read_name(data["event"], f"{where}.event", "an event"),)
    if data["purchase"] != "any":
        raise InputError(
            "the word any is needed.",
            remedy="Write {purchase: any, product: NAME}.",
            field=f"{where}.purchase",
        )
    if "product" not in data:
        return ()
    place, named = f"{where}.product", data["product"]
    if not isinstance(named, list):
        return (read_name(named, place, "a product"),)
    return tuple(
        read_name(one, f"{place}[{index}]", "a product")
        for index, one in enumerate(read_list(named, place))
    )


def _measure(data: Mapping[Any, Any], where: str) -> tuple[Measure, str]:
    said = [key for key in _MEASURES if key in data]
    if len(said) > 1:
        raise InputError(
            f"{said[0]} and {said[1]} stand together.",
            remedy="Join two rules: {all: [{...}, {...}]}.",
            field=where,
        )
    match said:
        case ["sum"]:
            return Measure.SUM, read_name(data["sum"], f"{where}.sum", "a property")
        case ["total"]:
            if not isinstance(data["total"], str) or not _CURRENCY.fullmatch(data["total"]):
                raise InputError(
                    "a currency is needed: three capital letters (ISO 4217).",
                    remedy="Write total: BRL.",
                    field=f"{where}.total",
                )
            return Measure.TOTAL, data["total"]
        case ["count"]:
            word = one_of(data["count"], ("purchases", "items"), f"{where}.count")
            return (Measure.ITEMS if word == "items" else Measure.COUNT), ""
        case [word]:
            return Measure(word), ""
    return Measure.COUNT, ""


def _first_or_last(data: object, where: str) -> Window:
    window = _window(data, where)
    if window == Window():
        raise InputError("a time is needed.", remedy="Write {before: {ago: 30d}}.", field=where)
    return window


def _window(data: object, where: str) -> Window:
    if not isinstance(data, Mapping):
        raise InputError("a mapping is needed.", remedy="Write {within: 30d}.", field=where)
    _only(data, WINDOW, where)
    return read_window(data, where)


def read_canvas(data: Mapping[Any, Any], where: str) -> EnteredCanvas | InsideCanvas:
    """`{canvas: NAME, entered: …}` or `{canvas: NAME, inside: …}`."""
    _only(data, ("canvas", "entered", "inside"), where)
    name = read_name(data["canvas"], f"{where}.canvas", "a Canvas")
    if ("entered" in data) == ("inside" in data):
        raise InputError(
            "either entered or inside is needed.",
            remedy="Write entered: ever, entered: {within: 30d}, inside: true or inside: STEP.",
            field=where,
        )
    if "entered" in data:
        ever = data["entered"] == "ever"
        return EnteredCanvas(
            name, Window() if ever else _window(data["entered"], f"{where}.entered")
        )
    inside, place = data["inside"], f"{where}.inside"
    return InsideCanvas(name, None if inside is True else read_name(inside, place, "a step"))


def read_audience(data: Mapping[Any, Any], where: str) -> InAudience:
    """`{audience: {name: NAME}, is: synced}`; the audience may be given as a bare name, or by the
    partner's `id`, and with its `ad_account`."""
    _only(data, ("audience", "is"), where)
    said, place = data["audience"], f"{where}.audience"
    if not isinstance(said, Mapping):
        said = {"name": said}
    _only(said, ("name", "id", "ad_account"), place)
    if ("name" in said) == ("id" in said):
        raise InputError("either a name or an id is needed.", field=place)
    known = {key: read_name(said[key], f"{place}.{key}", "an audience") for key in said}
    standing = Standing(one_of(data.get("is"), Standing, f"{where}.is"))
    return InAudience(known.get("name"), known.get("id"), known.get("ad_account"), standing)


def _only(data: Mapping[Any, Any], known: Iterable[str], where: str) -> None:
    names = list(known)
    for key in data:
        if key not in names:
            raise unknown(key, names, where)
