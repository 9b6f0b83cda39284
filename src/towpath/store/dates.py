"""Dates: the time zones and the dates of people, as groups, so that a wait is reckoned a group at
a time and never a person at a time."""

from dataclasses import dataclass

from towpath.clock import Instant
from towpath.people.filter import TIME_FILLING, TIME_PATTERN, moment_key
from towpath.people.people_set import PeopleSet
from towpath.store.database import Db, int4_array
from towpath.store.number_sets import unpacked
from towpath.store.queries import queries

_SQL = queries("dates")

_COLUMNS = {
    "birth_date": b"to_char(birth_date, 'YYYY-MM-DD')",
    "created_at": b"""to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}
_FREE = b"""case when jsonb_typeof(attributes -> %(name)s) = 'string'
  then attributes ->> %(name)s end"""


@dataclass(frozen=True, slots=True)
class DateGroup:
    """People whose date is the same, as far as it is asked.

    `text` is a minute (UTC), a day, or nothing when the date is long over. `far`: it is only known
    to be on that day. `bare`: the attribute is a day without a time. `later`: some seconds after
    the minute. `zone`: theirs, None when unknown or of no interest.
    """

    text: str
    far: bool
    bare: bool
    later: bool
    zone: str | None
    members: PeopleSet


def zones(db: Db, members: PeopleSet) -> list[tuple[str | None, PeopleSet]]:
    """These people by their time zone; None: unknown."""
    given = {"members": int4_array(members)}
    rows = db.execute(_SQL["read_zones"], given, binary=True).fetchall()
    return [(zone, unpacked(packed)) for zone, packed in rows]


def groups(
    db: Db, members: PeopleSet, attribute: str, over: Instant, far: Instant
) -> list[DateGroup]:
    """These people by the date in an attribute; who has none is in no group.

    What lies before `over` is one group, from `far` on a group is a day: at most a few thousand
    groups in all, whatever the number of people.
    """
    held = _COLUMNS.get(attribute, _FREE)
    given = {
        "members": int4_array(members),
        "name": attribute,
        "pattern": TIME_PATTERN,
        "filling": TIME_FILLING,
        "over": moment_key(over),
        "far": moment_key(far),
    }
    statement = _SQL["read_dates"].replace(b":held", held)
    rows = db.execute(statement, given, binary=True).fetchall()
    return [DateGroup(row[0], row[1], row[2], row[3], row[4], unpacked(row[5])) for row in rows]
