"""Attributes that change what is stored: a number up or down, members of a list in or out.

The shapes are Braze's (User Attributes Object; Nested custom attributes; Array of objects):
`{"inc": 2}`, `{"add": […]}`, `{"remove": […]}`; for lists of objects `{"$add": […]}`,
`{"$remove": [{"$identifier_key", "$identifier_value"}]}` and `{"$update": [{…, "$new_object"}]}`;
and `_merge_objects`, which lets an object be laid over the stored one.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from towpath.limits import ARRAY_MAX, JSON_BYTES_MAX
from towpath.people.columns import Refusal
from towpath.people.json_text import exact_json, too_large

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_OF_OBJECTS = ("$add", "$update", "$remove")


class Operation(NamedTuple):
    """What is done to the stored value: a key of `_DO`, and what it is given."""

    kind: str
    given: Any


def read_operation(raw: bytes, *, merging: bool) -> Operation | Refusal | None:
    """The operation that this JSON object is; None: it is a plain object."""
    given: dict[str, Any] = exact_json(raw)
    if len(given) == 1 and (kind := next(iter(given))) in {"inc", "add", "remove"}:
        value = given[kind]
        if kind == "inc":
            fits = isinstance(value, int | Decimal) and not isinstance(value, bool)
            return Operation(kind, value) if fits else Refusal("must be increased by a number")
        if not isinstance(value, list):
            return Refusal(f"needs a list to {kind}")
        return Operation(kind, value)
    if given and given.keys() <= set(_OF_OBJECTS):
        shaped = all(_is_shaped(kind, value) for kind, value in given.items())
        return (
            Operation("objects", given)
            if shaped
            else Refusal("has $add, $update or $remove of another shape than lists of objects")
        )
    return Operation("merge", given) if merging else None


def fold(
    rows: Iterable[Mapping[str, Raw | Operation | None]], stored: Mapping[str, Any]
) -> tuple[dict[str, Raw | None], list[tuple[int, str, str]]]:
    """What a person's rows come to, in their order, on top of what is stored (`exact_json`).

    With it, what cannot be done: the row's place, the attribute's name, and why.
    """
    found: dict[str, Raw | None] = {}
    refused = []
    for place, row in enumerate(rows):
        for name, value in row.items():
            if not isinstance(value, Operation):
                found[name] = value
                continue
            now = found[name] if name in found else stored.get(name)
            done = _do(value, exact_json(bytes(now)) if isinstance(now, Raw) else now)
            if isinstance(done, Refusal):
                refused.append((place, name, done.reason))
            else:
                found[name] = done
    return found, refused


def _do(operation: Operation, stored: Any) -> Raw | Refusal:
    done = _DO[operation.kind](stored, operation.given)
    if isinstance(done, Refusal):
        return done
    if isinstance(done, list) and len(done) > ARRAY_MAX:
        return Refusal(f"would hold more than {ARRAY_MAX} elements")
    raw = _ENCODER.encode(done)
    if len(raw) > JSON_BYTES_MAX:
        return Refusal(f"would be larger than {JSON_BYTES_MAX:,} bytes")
    return Raw(raw)


def _increase(stored: Any, given: Any) -> Any:
    stored = 0 if stored is None else stored
    if isinstance(stored, bool) or not isinstance(stored, int | Decimal):
        return Refusal("holds no number that could be increased")
    found = stored + given
    return Refusal("would be a number that is too large") if too_large(found) else found


def _add(stored: Any, given: list[Any]) -> Any:
    """A member that is there already moves to the end."""
    kept = _without(stored, given)
    return kept if isinstance(kept, Refusal) else kept + _unique(given)


def _without(stored: Any, given: list[Any]) -> Any:
    if stored is not None and not isinstance(stored, list):
        return Refusal("holds no list")
    gone = {_ENCODER.encode(one) for one in given}
    return [one for one in stored or () if _ENCODER.encode(one) not in gone]


def _unique(given: list[Any]) -> list[Any]:
    return list({_ENCODER.encode(one): one for one in given}.values())


def _change_objects(stored: Any, given: dict[str, list[Any]]) -> Any:
    if stored is not None and not isinstance(stored, list):
        return Refusal("holds no list of objects")
    found = list(stored or ())
    found += given.get("$add", [])
    for one in given.get("$update", []):
        found = [{**each, **one["$new_object"]} if _meant(each, one) else each for each in found]
    for one in given.get("$remove", []):
        found = [each for each in found if not _meant(each, one)]
    return found


def _meant(each: Any, one: Mapping[str, Any]) -> bool:
    key = one["$identifier_key"]
    return isinstance(each, dict) and key in each and each[key] == one["$identifier_value"]


def _is_shaped(kind: str, value: Any) -> bool:
    keys = set() if kind == "$add" else {"$identifier_key", "$identifier_value"}
    return isinstance(value, list) and all(
        isinstance(one, dict)
        and one.keys() >= keys
        and (kind != "$update" or isinstance(one.get("$new_object"), dict))
        and isinstance(one.get("$identifier_key", ""), str)
        for one in value
    )


def _merge(stored: Any, given: dict[str, Any]) -> Any:
    """The given object over the stored one, at every level."""
    if not isinstance(stored, dict):
        return given
    both = {
        name: _merge(stored[name], value) if isinstance(value, dict) else value
        for name, value in given.items()
        if name in stored
    }
    return {**stored, **given, **both}


_DO: Mapping[str, Callable[[Any, Any], Any]] = {
    "inc": _increase,
    "add": _add,
    "remove": _without,
    "objects": _change_objects,
    "merge": _merge,
}
