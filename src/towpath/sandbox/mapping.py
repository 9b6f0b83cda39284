"""POST segment/mapping/: a body of up to 10,000 rows read, checked and turned into packed digests.

`batch_data` is positional: a row is a person, cell i belongs to `id_schema[i]`, a missing id is
`{}`. One bad cell refuses the whole request (documented: all or nothing). Checks go by column over
whole sets, so that 10,000 rows of two cells take about 10 ms. Source: tiktok-api 4.2 (doc id
1739940585975809); what its page leaves open is chosen here and listed in docs/sandbox.md.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from towpath.sandbox.envelope import RefusalError
from towpath.sandbox.membership import FIELD_BY_SCHEMA, digest_bytes, unpack
from towpath.sandbox.rules import Rules

_HEX = b"0123456789abcdef"


class _Cell(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    id: str | UnsetType = UNSET
    audience_ids: tuple[str, ...] | UnsetType = UNSET


class Body(msgspec.Struct, gc=False):
    """The body as TikTok's page describes it; nothing is required yet."""

    advertiser_ids: list[str | int] | UnsetType = UNSET
    action: str = "add"
    id_schema: list[str] | UnsetType = UNSET
    batch_data: list[list[_Cell]] | UnsetType = UNSET


_Column: TypeAlias = tuple[list[str], list[tuple[str, ...]]]
_decoder = msgspec.json.Decoder(Body)


class MalformedError(RefusalError):
    """A body that no careful caller sends: 40002."""

    def __init__(self, message: str) -> None:
        super().__init__(40002, message)


@dataclass(slots=True)
class Batch:
    """What a good request asks for: `parts` holds, by audience and field, digests end to end."""

    action: Literal["add", "delete"]
    people: int
    keys: int
    parts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    doubles: int = 0

    @property
    def audiences(self) -> list[str]:
        """The audiences that it names, sorted."""
        return sorted({audience for audience, _ in self.parts})


def decode(body: bytes) -> Body:
    """Read the JSON. Raises MalformedError, naming the place and never a value."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise MalformedError(f"Invalid parameters: {wrong}") from None


def advertisers_of(body: Body) -> list[str]:
    """The ad accounts named, as texts. Raises MalformedError if there are none."""
    if body.advertiser_ids is UNSET or not body.advertiser_ids:
        raise MalformedError("Missing required field(s): advertiser_ids.")
    return [str(advertiser) for advertiser in body.advertiser_ids]


def check(body: Body, rules: Rules) -> Batch:
    """Everything that can be said without knowing the audiences. Raises RefusalError."""
    fields = _fields(body)
    rows = _rows(body, len(fields), rules)
    if body.action not in {"add", "delete"}:
        raise MalformedError("action: must be one of add, delete.")
    batch = Batch("add" if body.action == "add" else "delete", len(rows), 0)
    columns = [_full(cells, place) for place, cells in enumerate(zip(*rows, strict=True))]
    batch.keys = sum(len(hashes) for hashes, _ in columns)
    if batch.keys > rules.ids_per_request:
        raise RefusalError(
            40011, f"batch_data: {batch.keys} ids, at most {rules.ids_per_request} in one request."
        )
    if batch.keys < len(rows) * len(fields):
        _refuse_bare_rows(rows)
    for name, column in zip(fields, columns, strict=True):
        _pack(batch, name, column)
    if len(batch.audiences) > rules.audience_ids_per_request:
        raise RefusalError(
            40011, f"audience_ids: at most {rules.audience_ids_per_request} in one request."
        )
    return batch


def _fields(body: Body) -> list[str]:
    if body.id_schema is UNSET or not body.id_schema:
        raise MalformedError("Missing required field(s): id_schema.")
    names = [name.upper() for name in body.id_schema]
    if not set(names) <= FIELD_BY_SCHEMA.keys():
        raise MalformedError(f"id_schema: must be among {', '.join(FIELD_BY_SCHEMA)}.")
    if len(set(names)) < len(names):
        raise MalformedError("id_schema: duplicate values.")
    return [FIELD_BY_SCHEMA[name] for name in names]


def _rows(body: Body, width: int, rules: Rules) -> list[list[_Cell]]:
    rows = body.batch_data
    if rows is UNSET or not rows:
        raise MalformedError("Missing required field(s): batch_data.")
    if len(rows) > rules.rows_per_request:
        raise RefusalError(
            40011, f"batch_data: {len(rows)} rows, at most {rules.rows_per_request} in one request."
        )
    if set(map(len, rows)) != {width}:
        place = next(place for place, row in enumerate(rows) if len(row) != width)
        raise MalformedError(f"batch_data[{place}]: length differs from id_schema.")
    return rows


def _full(cells: Sequence[_Cell], column: int) -> _Column:
    """The filled cells of a column: hashes and the audiences each goes to."""
    hashes, named = [cell.id for cell in cells], [cell.audience_ids for cell in cells]
    if UNSET in hashes or not all(named):
        for place, cell in enumerate(cells):
            if (cell.id is UNSET) != (cell.audience_ids is UNSET) or cell.audience_ids == ():
                raise MalformedError(
                    f"batch_data[{place}][{column}]: needs both id and audience_ids, or neither."
                )
    return (
        [text for text in hashes if text is not UNSET],
        [names for names in named if names is not UNSET],
    )


def _refuse_bare_rows(rows: list[list[_Cell]]) -> None:
    for place, row in enumerate(rows):
        if all(cell.id is UNSET for cell in row):
            raise MalformedError(f"batch_data[{place}]: a row must hold at least one id.")


def _pack(batch: Batch, name: str, column: _Column) -> None:
    """Check a column's hashes and put them, as bytes, under each audience they name."""
    hashes, named = column
    if not hashes:
        return
    joined = "".join(hashes)
    length = 2 * digest_bytes(name)
    rest = joined.encode("utf-8", "replace").translate(None, _HEX)
    if set(map(len, hashes)) != {length} or rest:
        raise MalformedError(f"batch_data: an id of {name} is not {length} lower-case hex.")
    packed = bytes.fromhex(joined)
    for audience, part in _by_audience(packed, length // 2, named):
        batch.parts[audience, name] = part
        keys = unpack(name, part)
        batch.doubles += len(keys) - len(set(keys))


def _by_audience(
    packed: bytes, size: int, named: list[tuple[str, ...]]
) -> Iterator[tuple[str, bytes]]:
    kinds = Counter(named)
    if len(kinds) == 1:
        yield from ((audience, packed) for audience in sorted({*named[0]}))
        return
    for audience in sorted({audience for names in kinds for audience in names}):
        wanted = {names for names in kinds if audience in names}
        yield (
            audience,
            b"".join(
                packed[place * size : (place + 1) * size]
                for place, names in enumerate(named)
                if names in wanted
            ),
        )
