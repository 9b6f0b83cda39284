"""The simulator's clean start empties every table, and its digest is of all that a run fills."""

import re

from towpath.cli.simulation import run as runs
from towpath.cli.simulation.run import Stage
from towpath.store import snapshots
from towpath.store.database import Db
from towpath.store.queries import queries

TABLES = "select relname from pg_class where relkind in ('r', 'p') and not relispartition \
and relnamespace = 'public'::regnamespace and relname <> 'schema_version'"
# Sealed under a nonce that is drawn at random; or filled by what no run does.
NOT_DIGESTED = {"secret", "named_secret", "api_key", "member", "membership", "session"} | {
    "alert",
    "alert_notice",
    "alert_setting",
    "audience_listing",
    "audience_refresh",
    "audience_reservation",
    "audit_trail",
    "authorisation",
    "erasure",
    "idempotent_answer",
    "import_job",
    "segment_sync",
    "sign_in_attempt",
    "sign_in_link",
    "tally_sample",
    "tombstone",
    "tombstone_key",
}


def test_a_clean_start_empties_every_table(stage: Stage) -> None:
    runs.run(0, stage)
    assert sum(len(rows or ()) for _, rows in snapshots.dump(stage.eyes)) > 10
    snapshots.wipe(stage.db)
    assert not [name for name, rows in snapshots.dump(stage.eyes) if rows]


def test_the_digest_is_of_every_table_that_a_run_fills(db: Db) -> None:
    """A table that is not known here belongs into `dump` of store/sql/snapshots.sql."""
    read = re.findall(r"from (\w+) t$", queries("snapshots")["dump"].decode(), re.MULTILINE)
    assert not {name for (name,) in db.execute(TABLES)} - set(read) - NOT_DIGESTED
    assert not set(read) & NOT_DIGESTED
