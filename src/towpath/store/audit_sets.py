"""Audit, packed sets: every one can be unpacked, and is what its row says.

This comes first: bytes that are damaged are found here, and no other check touches them.
"""

from dataclasses import dataclass
from typing import Any

from towpath.limits import WAVE_PEOPLE_MAX
from towpath.people.match_field import fields_of
from towpath.people.people_set import PeopleSet, dump, load
from towpath.store.audit_findings import Audit, Check, people_text

SETS = Check(
    "sets",
    "Every packed set of people can be read, and is as large as its row says.",
    "A row was damaged or changed from outside: Towpath writes a set and its size together.",
    "Stop the workers, look after disk and memory, and restore the latest backup.",
)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with packed sets, the first of which the row's other columns describe.

    `inside`: sets that can only hold people of the first one. `by_field`: an array, a set a field.
    """

    name: str
    statement: str
    sets: tuple[str, ...]
    inside: tuple[str, ...] = ()
    by_field: tuple[str, ...] = ()
    people_max: int | None = None


_TABLES = (
    _Table(
        "arrival",
        "read_arrival_sets",
        ("members", "waiting", "keyless"),
        inside=("waiting", "keyless"),
        by_field=("keyless",),
    ),
    _Table("outcome", "read_outcome_sets", ("members",)),
    _Table(
        "request",
        "read_request_sets",
        ("members", "sharing", "omitted", "found_keyless", "coholders", "changed", "heirs"),
        inside=("sharing", "omitted", "found_keyless", "changed"),
        by_field=("omitted", "found_keyless"),
    ),
    _Table("resend", "read_resend_sets", ("members",)),
    _Table("mark", "read_mark_sets", ("members",)),
    _Table("shard", "read_shard_sets", ("want", "acked", "maybe", "parked", "keyless")),
    _Table("entry", "read_entry_sets", ("members",)),
    _Table("wave", "read_wave_sets", ("members",), people_max=WAVE_PEOPLE_MAX),
    _Table("exit set", "read_exit_sets", ("members",)),
    _Table("taken", "read_taken_sets", ("members",)),
    _Table("conversion", "read_conversion_sets", ("members",)),
    _Table("withheld", "read_withheld_sets", ("members",)),
    _Table("converted", "read_converted_sets", ("members",)),
    _Table("entry fold", "read_entry_fold_sets", ("members",)),
)


def check(audit: Audit) -> None:
    """Look at every packed set of every table."""
    for table in _TABLES:
        for row in audit.rows(table.statement):
            audit.looked(SETS)
            _row(audit, table, row)


def _row(audit: Audit, table: _Table, row: tuple[Any, ...]) -> None:
    key, audience, size, low, high, fields = row[:6]
    where = f"{table.name} {key}"
    sets: dict[str, list[PeopleSet]] = {}
    for name, packed in zip(table.sets, row[6:], strict=True):
        if packed is None:
            continue
        try:
            if name in table.by_field:
                sets[name] = _unpack_by_field(packed, fields)
            else:
                sets[name] = [_unpack(packed)]
        except ValueError as error:
            audit.unreadable[table.name, key] = audience
            audit.find(SETS, where, f"`{name}` cannot be unpacked: {error}.")
            return
    _whole(audit, table, where, (size, low, high), sets)


def _whole(
    audit: Audit,
    table: _Table,
    where: str,
    said: tuple[int | None, int | None, int | None],
    sets: dict[str, list[PeopleSet]],
) -> None:
    """What the row says of its first set, and what can only be inside of it."""
    size, low, high = said
    first = table.sets[0]
    (members,) = sets[first]
    found = people_text(len(members))
    if size is not None and len(members) != size:
        audit.find(SETS, where, f"`{first}` holds {found}, and its row says {size:,}.")
    if table.people_max is not None and len(members) > table.people_max:
        audit.find(SETS, where, f"it holds {found}, more than {table.people_max:,}.")
    if low is not None and (low, high) != ((members.min(), members.max()) if members else (0, -1)):
        audit.find(SETS, where, f"`{first}` does not span the numbers that its row says.")
    for name in table.inside:
        strangers = sum(len(one - members) for one in sets.get(name, ()))
        if strangers:
            what = f"`{name}` holds {people_text(strangers)} who are not in `{first}`."
            audit.find(SETS, where, what)


def _unpack_by_field(packed: list[bytes], fields: int) -> list[PeopleSet]:
    if len(packed) not in (0, len(fields_of(fields))):
        raise ValueError(f"it has {len(packed)} sets, and not one for each field")
    return [_unpack(one) for one in packed]


def _unpack(packed: bytes) -> PeopleSet:
    """The set. Raises ValueError for bytes that are none, and for any bit that `dump` would not
    write: the format says some things twice, and unpacking believes only one of them."""
    if not packed:
        raise ValueError("it holds no bytes at all")
    members = load(packed)
    if dump(members) != packed:
        raise ValueError("its head does not fit its contents")
    return members
