"""Lists come in pages: a page, and a cursor that asks for the next one.

A cursor is opaque: it holds the place after which to go on, and nobody should build one.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from towpath.errors import InputError
from towpath.limits import CURSOR_CHARS_MAX, PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX

T = TypeVar("T")
_NUMBER_MAX = 2**63 - 1


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(
        description="Give it as `cursor` for the next page; null: this is the last."
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """How many rows a page may have, and after which place it begins; None: at the first."""

    limit: int
    after: int | str | None

    @property
    def number(self) -> int:
        """The place in a list ordered by a rising number from 1; 0: from the beginning."""
        if self.after is None:
            return 0
        if not isinstance(self.after, int):
            raise _no_cursor()
        return self.after

    @property
    def text(self) -> str:
        """The place in a list ordered by a text; "": from the beginning."""
        if self.after is None:
            return ""
        if not isinstance(self.after, str):
            raise _no_cursor()
        return self.after

    def page(self, rows: Sequence[T], place: Callable[[T], int | str]) -> Page[T]:
        """The page of these rows, of which `limit + 1` were asked for from the store."""
        kept = list(rows[: self.limit])
        more = len(rows) > self.limit
        return Page(items=kept, next=_written(place(kept[-1])) if more else None)


def _asked(
    limit: Annotated[
        int, Query(ge=1, le=PAGE_ROWS_MAX, description="How many a page has at most.")
    ] = PAGE_ROWS_DEFAULT,
    cursor: Annotated[
        str | None,
        Query(max_length=CURSOR_CHARS_MAX, description="`next` of the page before."),
    ] = None,
) -> Asked:
    return Asked(limit, None if cursor is None else _read(cursor))


Cursor = Annotated[Asked, Depends(_asked)]
"""What a route of a list takes: `cursor.limit + 1` rows after `cursor.number` or `cursor.text`."""


def _written(place: int | str) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _read(cursor: str) -> int | str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _no_cursor() from error
    known = isinstance(place, str) and "\0" not in place and place.isprintable()
    if not known and not (type(place) is int and 0 <= place <= _NUMBER_MAX):
        raise _no_cursor()
    return place  # type: ignore[no-any-return]


def _no_cursor() -> InputError:
    return InputError(
        "This is no cursor of this list.", remedy="Begin without one.", field="cursor"
    )
