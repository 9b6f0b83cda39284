"""Damages that the audit must find: each done by SQL behind the engine's back, with the check that
must name it, and words that it must say."""

# ruff: noqa: S608 - the tests' own words, put together

from collections.abc import Callable

from towpath.people.people_set import PeopleSet, dump, load, people
from towpath.store.database import Db

Damage = Callable[[Db], object]
STRANGER = 999_999


def sql(*statements: str) -> Damage:
    """These statements, the constraints that would refuse them put aside."""

    def do(db: Db) -> None:
        for statement in statements:
            done = db.execute(statement.encode())
            assert done.rowcount != 0, "the world has nothing of this kind"

    return do


def repacked(table: str, column: str, change: Callable[[PeopleSet], object], where: str) -> Damage:
    """The set of one row (the first that `where` finds) changed, and packed again as it should."""

    def do(db: Db) -> None:
        found = f"(select ctid from {table} where {where} limit 1)"
        row = db.execute(f"select {column} from {table} where ctid = {found}".encode()).fetchone()
        assert row is not None, "the world has nothing of this kind"
        members = load(row[0])
        change(members)
        update = f"update {table} set {column} = %b where ctid = {found}"
        db.execute(update.encode(), (dump(members),))

    return do


def drop_one(members: PeopleSet) -> None:
    members.discard(members.min())


def add_stranger(members: PeopleSet) -> None:
    members.add(STRANGER)


def swap_one(members: PeopleSet) -> None:
    """Somebody inside makes room for a stranger, so that size and span stay."""
    everyone = people(range(members.min() + 1, members.max())) - members
    members.discard(members[len(members) // 2])
    members.add(next(iter(everyone), STRANGER))


def park_the_pending(db: Db) -> None:
    """As if somebody had parked people who are still pending, by the log's own rules."""
    row = db.execute(
        "select a.id, a.seq + 1, r.waiting from audience a join arrival r on r.audience = a.id"
        " where r.pending > 0 limit 1",
        binary=True,
    ).fetchone()
    assert row is not None
    audience, seq, waiting = row
    # Whoever is in flight is still answered; these go out of flight with their log untouched.
    db.execute("delete from request where state = 'in flight'")
    db.execute(
        "insert into ledger_mark (audience, seq, kind, fields, members, at)"
        " select %s, %s, 'parked', fields, %b, created_at from audience where id = %s",
        (audience, seq, waiting, audience),
    )
    db.execute(
        "update audience set seq = seq + 1, log_rows = log_rows + 1, log_people = log_people + %s"
        " where id = %s",
        (len(load(waiting)), audience),
    )


def in_flight_twice(db: Db) -> None:
    columns = (
        "workspace, audience, action, fields, members, people, sharing, coholders, omitted, low"
    )
    columns += ", high, worker, started_at, lease_until, tries, state"
    copied = f"insert into request ({columns}) select {columns} from request"
    db.execute(f"{copied} where state = 'in flight' limit 1".encode())


def wave_twice(db: Db) -> None:
    columns = "workspace, canvas, version, step, lane, members, people, arrived_at, due_at"
    db.execute(f"insert into wave ({columns}) select {columns} from wave limit 1".encode())


COUNTERS = ("entered", "advanced", "synced", "not_synced", "pending", "errored", "exited")
APPLIED = "state = 'applied' and action = 0 and people > 5"
SHARD = "length(want) > 8 and length(acked) > 8"

DAMAGES: dict[str, tuple[Damage, str, str]] = {
    # A flipped bit in a shard.
    "want has one more": (
        repacked("ledger_shard", "want", add_stranger, SHARD),
        "shards",
        "`want` has 1 person too many and 0 people too few",
    ),
    "acked has one fewer": (
        repacked("ledger_shard", "acked", drop_one, SHARD),
        "shards",
        "`acked` has 0 people too many and 1 person too few",
    ),
    "a shard's head is damaged": (
        sql("update ledger_shard set want = set_bit(want, 1, 1 - get_bit(want, 1)) where " + SHARD),
        "sets",
        "`want` cannot be unpacked",
    ),
    "a shard is cut short": (
        sql(f"update ledger_shard set acked = substr(acked, 1, length(acked) - 3) where {SHARD}"),
        "sets",
        "`acked` cannot be unpacked",
    ),
    "a damaged shard keeps the log from being replayed": (
        sql(f"update ledger_shard set maybe = '\\x3a30000001000000' where {SHARD}"),
        "shards",
        "cannot be replayed",
    ),
    "a shard is lost": (sql(f"delete from ledger_shard where {SHARD}"), "shards", "is missing"),
    "a shard says fewer are due": (
        sql(f"update ledger_shard set due_out = due_out + 1 where {SHARD}"),
        "shards",
        "its row says",
    ),
    # Counters and arrows.
    **{
        f"a tally's {name} is lower": (
            sql(f"update tally set {name} = {name} - 1 where {name} > 1"),
            "counters",
            f"{name.replace('_', ' ')} is",
        )
        for name in COUNTERS
        if name != "errored"
    },
    "a tally's errored is higher": (
        sql("update tally set errored = errored + 1 where step = 'remove'"),
        "counters",
        "errored is",
    ),
    "a tally is lost": (sql("delete from tally where step = 'wait'"), "arrows", "tally says 0"),
    "a tally of no step": (
        sql("update tally set step = 'nowhere' where step = 'end'"),
        "counters",
        "the version has no such step",
    ),
    "an arrow counts more": (
        sql("update edge_tally set people = people + 1 where step = 'wait'"),
        "arrows",
        "came there by arrows",
    ),
    "the entrance counts more": (
        sql("update edge_tally set people = people + 1 where edge = 'entered'"),
        "arrows",
        "the entrance counted",
    ),
    "an entry is lost": (
        sql("delete from entry where id = (select min(id) from entry)"),
        "canvases",
        "0 entered",
    ),
    # Arrivals and outcomes.
    "an arrival is lost": (
        sql(
            "delete from outcome where arrival = (select min(id) from arrival)",
            "delete from arrival where id = (select min(id) from arrival)",
        ),
        "log",
        "number 1 is missing from its log",
    ),
    "an arrival is lost, and its people in no step": (
        sql(
            "delete from outcome where arrival = (select min(id) from arrival)",
            "delete from arrival where id = (select min(id) from arrival)",
        ),
        "counters",
        "synced is",
    ),
    "an arrival's counter is changed": (
        sql("update arrival set synced = synced - 1, errored = errored + 1 where synced > 9"),
        "arrivals",
        "errored, its row says",
    ),
    "an arrival of another audience": (
        sql("update arrival set audience = 3 - audience where id = (select min(id) from arrival)"),
        "counters",
        "are no such step's",
    ),
    "somebody waits twice": (
        repacked("arrival", "waiting", add_stranger, "pending > 0"),
        "sets",
        "`waiting` holds 1 person who are not in `members`",
    ),
    "the waiting are called synced": (
        sql(
            "update arrival set synced = synced + pending, pending = 0, waiting ="
            " '\\x3a30000000000000' where pending > 0"
        ),
        "synced",
        "in no applied request",
    ),
    "an outcome is lost": (
        sql("delete from outcome where state = 'not_synced' and reason = 'superseded'"),
        "arrivals",
        "not synced, its row says",
    ),
    "an outcome of those known in is lost": (
        sql("delete from outcome where reason = 'known_in'"),
        "synced",
        "in no applied request",
    ),
    "an outcome stands twice": (
        sql(
            "insert into outcome (audience, arrival, state, reason, members, people, at)"
            " select audience, arrival, state, reason, members, people, at from outcome"
            " where reason = 'superseded' limit 1"
        ),
        "arrivals",
        "stand there twice",
    ),
    "an outcome of another audience": (
        sql("update outcome set audience = 3 - audience where id = (select min(id) from outcome)"),
        "arrivals",
        "it names audience",
    ),
    "an outcome's people never came": (
        repacked("outcome", "members", add_stranger, "reason = 'superseded'"),
        "arrivals",
        "1 person (superseded) never came there",
    ),
    "people without consent in the ledger": (
        sql("update outcome set reason = 'no_consent' where reason = 'superseded'"),
        "arrivals",
        "went into the ledger all the same",
    ),
    "known in, but never added": (
        sql("delete from request where state = 'applied' and action = 0"),
        "synced",
        "count as added before",
    ),
    # Requests.
    "a request without its set": (
        sql(f"update request set members = '\\x3a30000000000000' where {APPLIED}"),
        "sets",
        "`members` holds 0 people, and its row says",
    ),
    "a request without any bytes": (
        sql(f"update request set members = '' where {APPLIED}"),
        "sets",
        "it holds no bytes at all",
    ),
    "a request with one fewer, and its row too": (
        lambda db: (
            repacked("request", "members", drop_one, APPLIED + " order by id desc")(db),
            db.execute(f"update request set people = people - 1 where {APPLIED}".encode()),
        ),
        "synced",
        "in no applied request",
    ),
    "a request for a stranger": (
        repacked("request", "members", add_stranger, APPLIED),
        "requests",
        "1 person in it never came to be sent so",
    ),
    "a request's span is wrong": (
        sql(f"update request set high = high + 1 where {APPLIED}"),
        "sets",
        "does not span the numbers",
    ),
    "a request with a set too many": (
        sql(f"update request set omitted = array[members] || members || members where {APPLIED}"),
        "sets",
        "it has 3 sets, and not one for each field",
    ),
    "a request is lost": (
        sql(
            f"delete from request where id = (select id from request where {APPLIED} order by id"
            " limit 1)"
        ),
        "log",
        "missing from its log",
    ),
    "a request that was retried is lost": (
        sql("delete from request where id = (select min(parent) from request)"),
        "requests",
        "that it retries is missing",
    ),
    "a retry's tries jump": (
        sql("update request set tries = tries + 5 where parent is not null"),
        "requests",
        "its tries do not follow",
    ),
    "a retry with people who were not in the first": (
        repacked("request", "members", lambda one: one.add(65_480), "parent is not null"),
        "requests",
        "1 person in it were not in request",
    ),
    "a request in two places at once": (in_flight_twice, "in flight", "in another request too"),
    # The log.
    "a mark is lost": (
        sql("delete from ledger_mark where kind = 'parked'"),
        "log",
        "missing from its log",
    ),
    "a mark of no kind": (
        sql("update ledger_mark set kind = 'odd' where kind = 'parked'"),
        "shards",
        "cannot be understood",
    ),
    "a resend is lost": (
        sql("delete from resend where seq is not null"),
        "log",
        "missing from its log",
    ),
    "a number stands twice": (
        sql("update request set seq = seq + 1 where seq = (select min(seq) from request)"),
        "log",
        "stands twice",
    ),
    "the end of the log is lost": (
        sql("update audience set seq = seq + 2"),
        "log",
        "at the end of its log",
    ),
    "the log goes on": (
        sql("update audience set seq = seq - 1, folded_seq = least(folded_seq, seq - 1)"),
        "log",
        "and its row ends at",
    ),
    "the fold is said to reach further": (
        sql("update audience set folded_seq = seq where folded_seq < seq"),
        "log",
        "0 rows wait to be folded",
    ),
    "the fold is said to reach less far": (
        sql("update audience set folded_seq = 1, log_rows = seq - 1 where folded_seq > 9"),
        "shards",
        "too many",
    ),
    "more people are said to wait in the log": (
        sql("update audience set log_people = log_people + 1000 where log_rows > 0"),
        "log",
        "people wait to be folded; its row says",
    ),
    "the log is said not to wait": (
        sql("update audience set log_since = null where log_rows > 0"),
        "log",
        "whether the log waits",
    ),
    "an audience's fields are wrong": (
        sql("update audience set fields = 15"),
        "log",
        "other match fields",
    ),
    "people whom nobody would send": (park_the_pending, "pending", "nobody would send them"),
    # Waves.
    "a wave stands twice": (wave_twice, "waves", "stand in lane 0 elsewhere too"),
    "a wave at no step": (
        sql("update wave set step = 'nowhere'"),
        "waves",
        "has no step nowhere",
    ),
    "a wave of no version": (
        sql("alter table wave drop constraint wave_version_fkey", "update wave set version = 99"),
        "waves",
        "its version 99 is none of this Canvas",
    ),
    "a wave of people who never entered": (
        repacked("wave", "members", add_stranger, "true"),
        "waves",
        "1 person never entered lane",
    ),
    "a wave is lost": (sql("delete from wave where lane = 1"), "canvases", "entered, "),
    "a version that cannot be read": (
        sql("update canvas_version set graph = '{}' where id = 1"),
        "versions",
        "its graph cannot be read",
    ),
}
