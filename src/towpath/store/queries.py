"""SQL lives in `sql/NOUN.sql` as named blocks; this reads them.

A block begins with `-- name: verb_noun` and may go on with comment lines that say what it is for.
Statements are bytes, so no formatted string can slip into the database.
"""

import re
from functools import cache
from importlib.resources import files

from towpath.errors import StoreError

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


class Queries:
    """The named statements of one noun: `Queries("waves")["claim_waves"]`."""

    def __init__(self, noun: str) -> None:
        text = files("towpath.store").joinpath("sql", f"{noun}.sql").read_text(encoding="utf-8")
        parts = _NAME.split(text)
        self._noun = noun
        self._found = {
            name: body.strip().encode() for name, body in zip(parts[1::2], parts[2::2], strict=True)
        }

    def __getitem__(self, name: str) -> bytes:
        try:
            return self._found[name]
        except KeyError:
            raise StoreError(f"sql/{self._noun}.sql has no statement named {name}") from None

    def names(self) -> frozenset[str]:
        """The names of all statements in the file."""
        return frozenset(self._found)


@cache
def queries(noun: str) -> Queries:
    """The statements of `sql/NOUN.sql`, read once."""
    return Queries(noun)
