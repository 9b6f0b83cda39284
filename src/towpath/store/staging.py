"""A batch of people on its way in: the text that COPY takes, made away from the database.

Making it costs as much as writing it, so an import lets another process do it
(cli/people_reader.py); it is bytes and a few flags, cheap to hand over.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from towpath.people.attributes import AttributeValue
from towpath.people.columns import any_said
from towpath.people.consent import Consent
from towpath.people.people_set import Numbers
from towpath.people.profile import Device, Identifier, PeopleBatch

_NULL = r"\N"
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_DIGEST_BYTES = 32
_JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class StagedPeople:
    """A batch as text, columns in the order of the table `staged`.

    `numbers`: each row's number as far as it was given, else 0; `keyed`: the places of rows with an
    e-mail or phone; `devices`: some row says something of devices; `by_name`: every row has an
    external id and none a number, so all of them may be new.
    """

    text: bytes
    numbers: Numbers
    keyed: Numbers
    devices: bool
    by_name: bool

    def __len__(self) -> int:
        return len(self.numbers)


def stage(batch: PeopleBatch, first: int = 0) -> StagedPeople:
    """The batch as text, for `profiles.write`; `first` is the place of its first row."""
    keyed = [
        place
        for place, (email, phone) in enumerate(zip(batch.email, batch.phone, strict=True), first)
        if email or phone
    ]
    return StagedPeople(
        text=_copy_text(batch, first),
        numbers=np.array([number or 0 for number in batch.number], np.uint32),
        keyed=np.array(keyed, np.uint32),
        devices=any_said(batch.idfa) or any_said(batch.gaid) or any_said(batch.tracking_allowed),
        by_name=not any_said(batch.number) and None not in batch.external_id,
    )


def joined(parts: Sequence[StagedPeople]) -> StagedPeople:
    """Parts of one batch as a whole: at least one, each `first` where the one before ends."""
    return StagedPeople(
        text=b"".join([part.text for part in parts]),
        numbers=np.concatenate([part.numbers for part in parts]),
        keyed=np.concatenate([part.keyed for part in parts]),
        devices=any(part.devices for part in parts),
        by_name=all(part.by_name for part in parts),
    )


def _copy_text(batch: PeopleBatch, first: int) -> bytes:
    """The batch in COPY's text format, columns in the order of the table `staged`."""
    attributes, removed = _attributes(batch.attributes)
    columns = [
        map(str, range(first, first + len(batch))),
        _plain(batch.number),
        _texts(batch.external_id),
        *_identifiers(batch.email),
        *_identifiers(batch.phone),
        *_devices(batch.idfa),
        *_devices(batch.gaid),
        _plain(batch.tracking_allowed),
        _texts(batch.country),
        _texts(batch.language),
        _texts(batch.first_name),
        _texts(batch.last_name),
        _texts(batch.time_zone),
        _plain(batch.birth_date),
        attributes,
        removed,
        *_consents(batch.consent),
    ]
    rows = "\n".join(map("\t".join, zip(*columns, strict=True)))
    return f"{rows}\n".encode() if rows else b""


def _attributes(
    cells: Sequence[Mapping[str, AttributeValue] | None],
) -> tuple[list[str], list[str]]:
    """Attributes as JSON: those that get a value, and the names of those that go.

    Where each row has some and none goes, as in a file, all are encoded by one call: half the cost.
    """
    said = [cell for cell in cells if cell]
    if len(said) == len(cells) and b":null" not in (lines := _JSON.encode_lines(said)):
        # Inside of JSON's texts a tab or line end is written \t or \n.
        text = lines.decode().replace("\\", r"\\")
        return text.split("\n")[:-1], [_NULL] * len(cells)
    split = [_split(cell) for cell in cells]
    return _texts([kept for kept, _ in split]), _texts([gone for _, gone in split])


def _split(said: Mapping[str, AttributeValue] | None) -> tuple[str | None, str | None]:
    """Attributes as JSON: those that get a value, and the names of those that go."""
    if not said:
        return None, None
    if None not in said.values():
        return _JSON.encode(said).decode(), None
    kept = {name: value for name, value in said.items() if value is not None}
    gone = [name for name, value in said.items() if value is None]
    return _JSON.encode(kept).decode() if kept else None, _JSON.encode(gone).decode()


def _texts(cells: Sequence[str | None]) -> list[str]:
    if not any_said(cells):
        return [_NULL] * len(cells)
    found = [_NULL if cell is None else cell for cell in cells]
    if _SPECIAL.search("".join(cell for cell in cells if cell is not None)):
        return [
            _NULL if cell is None else cell.translate(_ESCAPES) if _SPECIAL.search(cell) else cell
            for cell in cells
        ]
    return found


def _plain(cells: Sequence[object]) -> list[str]:
    if not any_said(cells):
        return [_NULL] * len(cells)
    return [_NULL if cell is None else str(cell) for cell in cells]


def _identifiers(cells: Sequence[Identifier | None]) -> tuple[list[str], list[str]]:
    if not any_said(cells):
        return [_NULL] * len(cells), [_NULL] * len(cells)
    return (
        _texts([cell and cell[0] for cell in cells]),
        _digests(cells),
    )


def _digests(cells: Sequence[Identifier | None]) -> list[str]:
    if None in cells:
        return [_NULL if cell is None else rf"\\x{cell[1].hex()}" for cell in cells]
    digests = b"".join([cell[1] for cell in cells if cell]).hex("|", _DIGEST_BYTES)
    return (r"\\x" + digests.replace("|", r"|\\x")).split("|")


def _devices(cells: Sequence[Device | None]) -> tuple[list[str], list[str]]:
    if not any_said(cells):
        return [_NULL] * len(cells), [_NULL] * len(cells)
    return (
        _texts([cell and cell.value for cell in cells]),
        _plain([cell and cell.tracking_allowed for cell in cells]),
    )


def _consents(cells: Sequence[Consent | None]) -> tuple[list[str], list[str], list[str]]:
    if not any_said(cells):
        return [_NULL] * len(cells), [_NULL] * len(cells), [_NULL] * len(cells)
    return (
        _plain([cell and int(cell.state) for cell in cells]),
        _texts([cell and cell.source for cell in cells]),
        _plain([cell and cell.at for cell in cells]),
    )
