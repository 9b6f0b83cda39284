"""Reads the settings of one part of a Canvas from plain data, strictly.

A missing field is None, for a draft may be incomplete; a field that is there must be right. Errors
name the place, as in `steps.add.audience.create`, and unknown fields the one probably meant.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from towpath.errors import InputError
from towpath.ids import PartnerRef, StepId
from towpath.limits import CANVAS_NAME_CHARS_MAX
from towpath.people.filter_parse import nearest, one_of

_STEP_ID = re.compile("[a-z][a-z0-9_-]{0,63}")
_REF = re.compile("[0-9A-Za-z_-]{1,64}")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class Fields:
    """The fields of one mapping, of which only `known` may occur. null means missing."""

    def __init__(self, data: object, where: str, known: Iterable[str]) -> None:
        if not isinstance(data, Mapping):
            raise InputError("a mapping is needed.", remedy="Write key: value.", field=where)
        self._data: Mapping[str, Any] = data
        self._where = where
        names = list(known)
        for key in data:
            if key not in names:
                raise InputError(
                    "there is no such field." if isinstance(key, str) else "a field is a word.",
                    remedy=nearest(key, names),
                    field=self.path(shown(key)),
                )

    def path(self, key: str) -> str:
        """Where a field stands, from the top of the file."""
        return f"{self._where}.{key}" if self._where else key

    def raw(self, key: str) -> Any:
        """What stands there, unread; None when nothing does."""
        return self._data.get(key)

    def text(self, key: str) -> str | None:
        """A name: text with something to see in it, at most CANVAS_NAME_CHARS_MAX characters."""
        found = self.raw(key)
        if found is None:
            return None
        if not isinstance(found, str):
            raise InputError("text is needed.", remedy='Quote it: "...".', field=self.path(key))
        name = found.strip()
        if not name or len(name) > CANVAS_NAME_CHARS_MAX or _UNPRINTABLE.search(name):
            raise InputError(
                f"text of 1 to {CANVAS_NAME_CHARS_MAX} characters in one line is needed.",
                field=self.path(key),
            )
        return name

    def word(self, key: str, known: Iterable[str]) -> str | None:
        """One of the known words."""
        found = self.raw(key)
        return None if found is None else one_of(found, known, self.path(key))

    def ref(self, key: str) -> PartnerRef | None:
        """A partner's id: text, since as a number it would lose digits (they exceed 2^53)."""
        found = self.raw(key)
        if found is None:
            return None
        if not isinstance(found, str):
            raise InputError(
                "a partner's id is text; as a number it loses digits.",
                remedy='Quote it: "7000000000000000001".',
                field=self.path(key),
            )
        if not _REF.fullmatch(found):
            raise InputError(
                "this is no partner's id.",
                remedy="An id has 1 to 64 letters, digits, _ or -.",
                field=self.path(key),
            )
        return PartnerRef(found)

    def step(self, key: str) -> StepId | None:
        """The id of a step."""
        found = self.raw(key)
        return None if found is None else step_id(found, self.path(key))


def shown(key: object) -> str:
    """A key of somebody's file, fit to be shown in an error."""
    text = str(key)[:100]
    return text if text.isprintable() else ascii(text)


def step_id(data: object, where: str) -> StepId:
    """Read the id of a step. Raises InputError."""
    if not isinstance(data, str) or not _STEP_ID.fullmatch(data):
        raise InputError(
            "this is no step's id.",
            remedy="An id begins with a to z and goes on with at most 63 of a-z, 0-9, _ and -.",
            field=where,
        )
    return StepId(data)
