"""Match keys: identifiers normalised and hashed, written once when they change.

Reading them is the hot path of delivery: 10,000 people come back as a few long byte strings, never
as a row a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import ALL_FIELDS, MatchField, mask
from towpath.people.normalise import CURRENT_RULE
from towpath.people.people_set import PeopleSet, people
from towpath.store import shared_keys, stray_keys
from towpath.store.database import Db, Int4Array, int4_array
from towpath.store.number_sets import unpacked
from towpath.store.queries import queries


def write_merged(db: Db, workspace: WorkspaceId, now: Instant) -> PeopleSet:
    """Bring the keys of the people that `profiles.upsert` merged up to date, in its transaction.

    Whose keys changed stands in the temporary table `key_change` for `shared_keys`; they are
    returned as a set. Old keys that may be in an audience are followed (`stray_keys`).
    """
    sql = queries("match_keys")
    db.execute(sql["create_key_change"])
    if not db.execute(sql["find_changes"], prepare=False).rowcount:
        return people()
    row = db.execute(sql["read_changed"], prepare=False, binary=True).fetchone()
    stray_keys.follow_changes(db, workspace, now)
    given = {"workspace": workspace, "rule": CURRENT_RULE}
    db.execute(sql["insert_new"], given, prepare=False)
    db.execute(sql["update_changed"], given, prepare=False)
    return unpacked(row[0] if row else None)


def write_staged(db: Db, workspace: WorkspaceId, first: int) -> None:
    """The keys of staged people who are all new, numbered from `first`; and who shares one.

    Only those who share go through `shared_keys`: who they are is found before the keys are in.
    """
    sql = queries("match_keys")
    given = {"workspace": workspace, "first": first, "rule": CURRENT_RULE}
    db.execute(sql["create_key_change"])
    sharing = db.execute(sql["find_staged_sharing"], given, prepare=False).rowcount
    db.execute(sql["insert_staged"], given, prepare=False)
    if sharing:
        shared_keys.write_changes(db, workspace)


@dataclass(frozen=True, slots=True)
class Clear:
    """People of one workspace, with the identifiers that we have in clear, normalised once."""

    workspace: WorkspaceId
    numbers: Sequence[int]
    emails: Sequence[str | None]
    phones: Sequence[str | None]


def of_other_rules(db: Db, rule: int, most: int) -> Clear | None:
    """Some people whose keys were made by another version of the rules; None: there are none."""
    given = {"rule": rule, "most": most}
    rows = db.execute(queries("match_keys")["read_other_rules"], given, prepare=False).fetchall()
    if not rows:
        return None
    workspaces, *columns = zip(*rows, strict=True)
    return Clear(WorkspaceId(workspaces[0]), *columns)


def rewrite(
    db: Db,
    clear: Clear,
    emails: Sequence[bytes | None],
    phones: Sequence[bytes | None],
    rule: int,
    now: Instant,
) -> None:
    """Write the keys of these people by version `rule`, beside `clear`; None: it takes no such
    value. In a transaction under `workspaces.lock`. What changes is followed like any change."""
    sql, numbers = queries("match_keys"), list(clear.numbers)
    given = {"workspace": clear.workspace, "rule": rule, "numbers": numbers}
    db.execute(sql["create_key_change"])
    staged = given | {"emails": list(emails), "phones": list(phones)}
    db.execute(sql["stage_rewritten"], staged, prepare=False)
    db.execute(sql["write_rule"], given, prepare=False)
    db.execute(sql["forget_unchanged"], prepare=False)
    stray_keys.follow_changes(db, clear.workspace, now)
    db.execute(sql["insert_new"], given, prepare=False)
    db.execute(sql["update_changed"], given, prepare=False)
    shared_keys.write_changes(db, clear.workspace)


def key_presence(db: Db, numbers: Int4Array) -> dict[MatchField, PeopleSet]:
    """Of these people, who has which key: a set for each of the four fields. One query."""
    found = {field: people() for field in ALL_FIELDS}
    rows = db.execute(queries("match_keys")["read_presence"], (numbers,), binary=True)
    for *present, packed in rows:
        holders = unpacked(packed)
        for field, held in zip(ALL_FIELDS, present, strict=True):
            if held:
                found[field] |= holders
    return found


def read_digests(db: Db, members: PeopleSet, fields: tuple[MatchField, ...]) -> list[KeyGroup]:
    """The digests of these people for these fields, grouped by which of them exist. One query.

    People who have none of the fields are left out. 10,000 neighbours cost PostgreSQL about 2.6 ms.
    """
    if not members:
        return []
    low, high = members.min(), members.max()
    sql = queries("match_keys")
    # Planned anew each time, so that the mask is a constant: a quarter cheaper than a kept plan.
    if high - low + 1 == len(members):
        asked = {"mask": mask(fields), "low": low, "high": high}
        rows = db.execute(sql["read_digests_between"], asked, binary=True, prepare=False)
    else:
        asked = {"mask": mask(fields), "members": int4_array(members)}
        rows = db.execute(sql["read_digests_among"], asked, binary=True, prepare=False)
    return [
        KeyGroup(cast("int", count), digests)
        for count, *columns in rows
        if (
            digests := {
                field: cast("bytes", column)
                for field, column in zip(ALL_FIELDS, columns, strict=True)
                if column is not None
            }
        )
    ]
