"""The scene of the delivery bench: people with match keys, one audience, everybody arrived in it.

Digests are those of made-up texts, and who lacks one is decided by a hash of the number: 10 % have
no e-mail and 14 % no phone, so 1.4 % have neither and are not synced, as in life.
"""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from towpath.clock import Instant
from towpath.engine.steps.audience_sync import arrive
from towpath.engine.steps.protocol import Moment
from towpath.ids import AudienceId, CanvasId, PartnerRef, StepId, VersionId, WorkspaceId
from towpath.ledger.windows import Windows
from towpath.limits import WAVE_PEOPLE_MAX
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people
from towpath.store import apps, audiences, connections, migrations, tallies, workspaces
from towpath.store.database import Db, database_now
from towpath.store.secrets import KeyRing
from towpath.store.waves import Stand

AUDIENCE_REF = PartnerRef("7399999999999999999")
AD_ACCOUNT_REF = PartnerRef("7300000000000000001")
FIELDS = (MatchField.EMAIL, MatchField.PHONE)
STEP = StepId("winback")
KEYS = KeyRing({"bench": b"k" * 32}, "bench")
PEOPLE_PER_REQUEST, KEYS_PER_REQUEST = 10_000, 40_000
ARRIVED_BEFORE = timedelta(minutes=1)
"""They came a minute ago, so that nobody waits for the flush any more when the clock starts."""

_FILL_PROFILES = """
insert into profile (workspace, external_id, consent, created_at, updated_at)
select %(workspace)s, 'person-' || i, 1, %(now)s, %(now)s from generate_series(1, %(people)s) i
"""
_FILL_KEYS = """
insert into match_key (profile, workspace, email, phone, rule)
select number, workspace,
  case when hashint4extended(number, 1) & 1023 >= 102 then sha256(('e' || number)::bytea) end,
  case when hashint4extended(number, 2) & 1023 >= 143 then sha256(('p' || number)::bytea) end, 1
from profile where workspace = %(workspace)s
"""
_EXPECTED = {
    "EMAIL_SHA256": "select encode(email, 'hex') from match_key where email is not null",
    "PHONE_SHA256": "select encode(phone, 'hex') from match_key where phone is not null",
    "rows": """
      select coalesce(encode(email, 'hex'), repeat('-', 64))
        || coalesce(encode(phone, 'hex'), repeat('-', 64))
      from match_key where num_nonnulls(email, phone) > 0""",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Where everything is, so that people can arrive."""

    workspace: WorkspaceId
    canvas: CanvasId
    version: VersionId
    audience: AudienceId
    people: int


def build(db: Db, count: int) -> Scene:
    """Migrate an empty database and fill it with so many people, numbered from 0."""
    now = database_now(db)
    migrations.migrate(db, now)
    workspace = workspaces.ensure_default(db, now).id
    app = apps.ensure(db, "tiktok", "7000000000000000001", 50)
    connection = connections.ensure(
        db,
        workspace,
        app,
        "bench",
        people_per_request_max=PEOPLE_PER_REQUEST,
        keys_per_request_max=KEYS_PER_REQUEST,
    )
    connections.set_token(db, KEYS, workspace, connection, "token", now)
    account = connections.ensure_ad_account(db, workspace, connection, AD_ACCOUNT_REF, "bench")
    audience = audiences.ensure(
        db, workspace, account, AUDIENCE_REF, "bench", created_here=True, now=now
    )
    given = {"workspace": workspace, "now": now, "people": count}
    db.execute(_FILL_PROFILES, given)
    db.execute(_FILL_KEYS, given)
    (canvas,) = db.execute(
        "insert into canvas (workspace, name, created_at, changed_at)"
        " values (%(workspace)s, 'bench', %(now)s, %(now)s) returning id",
        given,
    ).fetchone() or (0,)
    (version,) = db.execute(
        "insert into canvas_version (workspace, canvas, number, graph, launched_at)"
        " values (%(workspace)s, %(canvas)s, 1, '{}', %(now)s) returning id",
        given | {"canvas": canvas},
    ).fetchone() or (0,)
    db.execute("vacuum (freeze, analyze)")
    return Scene(workspace, CanvasId(canvas), VersionId(version), audience, count)


def everybody_arrives(db: Db, scene: Scene, order: str) -> float:
    """Bring all people into the ledger, a wave a transaction; gives the seconds it took."""
    now = database_now(db) - ARRIVED_BEFORE
    begun = time.perf_counter()
    for wave in _waves(scene.people, order):
        _arrive(db, scene, wave, now)
    return time.perf_counter() - begun


def tidy(db: Db) -> None:
    """Leave nothing for later: the next to run pays for itself alone, and its WAL holds each page
    that it touches once as a whole, as after any checkpoint."""
    db.execute("vacuum analyze audience, ledger_shard, arrival, request, tally")
    db.execute("checkpoint")


def _waves(count: int, order: str) -> Iterator[PeopleSet]:
    numbers = np.arange(count, dtype=np.uint32)
    if order == "random":
        numbers = np.random.default_rng(1).permutation(numbers)
    for start in range(0, count, WAVE_PEOPLE_MAX):
        yield people(numbers[start : start + WAVE_PEOPLE_MAX])


def _arrive(db: Db, scene: Scene, wave: PeopleSet, now: Instant) -> None:
    stand = Stand(scene.workspace, scene.canvas, scene.version, STEP, 0)
    entered = tallies.Change(entered=len(wave), pending=len(wave))
    with db.transaction():
        tallies.add(db, {(scene.version, STEP): entered})
        arrive(Moment(db, stand, now, Windows()), scene.audience, Action.ADD, FIELDS, wave)


def tally(db: Db, scene: Scene) -> tallies.Change:
    """The step's counters now."""
    return tallies.read(db, scene.version)[STEP]


def expected(db: Db) -> dict[str, dict[str, object]]:
    """What must be received, read off the match keys by a way of its own: of each field, and of
    whole rows, how many there are and the digest of the sorted set. No two people share a key."""
    return {name: _summary(db, rows) for name, rows in _EXPECTED.items()}


def _summary(db: Db, rows: str) -> dict[str, object]:
    digest, count = hashlib.sha256(), 0
    with db.cursor().copy(f"copy ({rows} order by 1) to stdout") as lines:
        for line in lines:
            digest.update(line)
            count += bytes(line).count(b"\n")
    return {"count": count, "digest": digest.hexdigest()}


def server_folder(folder: Path) -> Path:
    """The data directory inside a temporary folder, which the server's user can reach."""
    folder.chmod(0o711)
    return folder / "postgresql"
