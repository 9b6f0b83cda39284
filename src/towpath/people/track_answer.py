"""What a call of `/users/track` is answered: Braze's shape, and every object or key not taken."""

from collections.abc import Iterable

import msgspec

from towpath.people.track import TrackCall, TrackError

_ORDER = ("attributes", "events", "purchases")


def told(errors: Iterable[TrackError]) -> list[dict[str, str | int]]:
    """Why objects, or keys of objects, were not taken, in the order of the call."""
    return [
        {
            "type": f"{one.field} {one.type}".strip(),
            "input_array": one.input_array,
            "index": one.index,
            "field": one.field,
        }
        for one in sorted(errors, key=lambda one: (_ORDER.index(one.input_array), one.index))
    ]


def answer(call: TrackCall, late: list[TrackError]) -> bytes:
    """The body of 201. `late` names what only the store could refuse: phones, and objects."""
    lost = {(one.input_array, one.index) for one in late if one.whole}
    taken = [("attributes", row.index) for row in call.people]
    taken += [(row.array, row.index) for row in call.events]
    stored = [array for array, index in taken if (array, index) not in lost]
    found: dict[str, object] = {"message": "success"}
    found |= {f"{array}_processed": count for array in _ORDER if (count := stored.count(array))}
    if errors := told([*call.errors, *late]):
        found["errors"] = errors
    return msgspec.json.encode(found)
