"""Damages to what audit_journey.py's Canvas made: actions, exits, conversions, a publication."""

# ruff: noqa: S608 - the tests' own words, put together

from tests.store.audit_damages import Damage, add_stranger, drop_one, repacked, sql

from towpath.people.people_set import PeopleSet
from towpath.store.database import Db

GOING = "moved and people > 1"


def for_a_stranger(members: PeopleSet) -> None:
    """A stranger takes the place of one of them."""
    drop_one(members)
    add_stranger(members)


def resized(table: str, change: Damage, where: str, by: int) -> Damage:
    """The set changed, and the row's count with it."""

    def do(db: Db) -> None:
        change(db)
        update = (
            f"update {table} set people = people + {by}"
            f" where ctid = (select ctid from {table} where {where} order by id desc limit 1)"
        )
        assert db.execute(update.encode()).rowcount == 1

    return do


DAMAGES: dict[str, tuple[Damage, str, str]] = {
    # What people did at action paths.
    "who went on is forgotten": (
        sql("delete from taken where moved"),
        "waves",
        "stand in lane 0 elsewhere too",
    ),
    "who went on is said twice": (
        sql(
            "insert into taken (canvas, version, step, lane, branch, moved, members, people, at)"
            " select canvas, version, step, lane, branch, moved, members, people, at from taken"
            " where moved limit 1"
        ),
        "waves",
        "went on from step act twice",
    ),
    "a stranger went on": (
        resized("taken", repacked("taken", "members", add_stranger, GOING), GOING, 1),
        "waves",
        "1 person went on from waves that do not hold them",
    ),
    "a row of who went on is too large": (
        repacked("taken", "members", drop_one, GOING),
        "sets",
        "and its row says",
    ),
    "who went on has no set": (
        sql(f"update taken set members = '' where {GOING}"),
        "sets",
        "it holds no bytes at all",
    ),
    "the best of a stranger": (
        repacked("taken", "members", for_a_stranger, "not moved"),
        "waves",
        "did something there, and stand elsewhere",
    ),
    "a best is said twice": (
        sql(
            "insert into taken (canvas, version, step, lane, branch, moved, members, people, at)"
            " select canvas, version, step, lane, 'sorry', moved, members, people, at from taken"
            " where not moved and branch = 'again' limit 1"
        ),
        "waves",
        "did step rank twice",
    ),
    "an action's arrow is lost": (
        sql("delete from edge_tally where edge = 'bought'"),
        "arrows",
        "came there by arrows",
    ),
    # Exits.
    "an exit is damaged": (
        sql("update exit_set set members = substr(members, 1, length(members) - 1)"),
        "sets",
        "cannot be unpacked",
    ),
    "a stranger is to leave": (
        repacked("exit_set", "members", add_stranger, "true"),
        "waves",
        "1 person are to leave lane 0, and never entered it",
    ),
    "an exit is counted, and its people stand there": (
        sql(
            "update tally set exited = exited + 1 where step = 'act' and entered > 0",
            "insert into edge_tally (version, step, edge, people)"
            " select max(version), 'act', 'exited: exit criteria', 1 from tally where step = 'act'",
        ),
        "canvases",
        "entered, ",
    ),
    # Conversions.
    "a conversion is damaged": (
        sql("update conversion set members = set_bit(members, 3, 1 - get_bit(members, 3))"),
        "sets",
        "conversion",
    ),
    "a conversion of a stranger": (
        repacked("conversion", "members", add_stranger, "true"),
        "conversions",
        "1 person never came",
    ),
    "a conversion of the control group that was none": (
        sql("update conversion set control = true where not control"),
        "conversions",
        "never came",
    ),
    "a conversion is lost": (
        sql("delete from conversion where control"),
        "conversions",
        "may convert no more, and never did",
    ),
    "who has converted is damaged": (
        sql("update converted set members = '' where not control"),
        "sets",
        "it holds no bytes at all",
    ),
    "a stranger may convert no more": (
        repacked("converted", "members", add_stranger, "not control"),
        "conversions",
        "1 person may convert no more, and never did",
    ),
    # The control group.
    "the control group is damaged": (
        sql("update withheld set members = '\\x3a30000001000000'"),
        "sets",
        "cannot be unpacked",
    ),
    "the control group is lost": (
        sql("delete from withheld"),
        "conversions",
        "never came",
    ),
    "the control group grew": (
        repacked("withheld", "members", add_stranger, "true"),
        "conversions",
        "its entrance counted",
    ),
    "who entered is folded wrongly": (
        sql(
            "insert into entry_fold (canvas, hour, block, members)"
            " select min(id), 0, 77, '' from canvas"
        ),
        "sets",
        "it holds no bytes at all",
    ),
    # A publication.
    "people were lost on their way to the newer version": (
        sql("update edge_tally set people = people - 1 where step = '(published)'"),
        "published",
        "2 more people left its versions for newer ones than came there",
    ),
    "nobody left the older version": (
        sql("delete from edge_tally where edge = 'published'"),
        "published",
        "more people left its versions",
    ),
    "people came to a version twice": (
        sql("update edge_tally set people = people + 1 where step = '(published)'"),
        "arrows",
        "came there by arrows",
    ),
    "who went on stayed in the older version": (
        sql("update taken set version = version - 1 where moved"),
        "waves",
        "went on from waves that do not hold them",
    ),
}
