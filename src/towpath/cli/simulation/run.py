"""Runs: a seed lived through, looked at after every step, and told as a digest or a failure."""

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from towpath.cli.simulation import bounds, healing, journey, setting, walk, world
from towpath.cli.simulation.checkers import always, at_rest
from towpath.cli.simulation.journey_story import JourneyStory
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.story import Story
from towpath.cli.simulation.upheaval_story import UpheavalStory
from towpath.cli.simulation.world import START, World
from towpath.store import database, embedded, migrations, snapshots
from towpath.store.database import Db

WORKERS_MAX = 3


class Violation(AssertionError):  # noqa: N818 - it is what a run is looking for
    """A checker's sentence. `invariant` names the checker."""

    def __init__(self, invariant: str, sentence: str) -> None:
        super().__init__(f"{invariant}: {sentence}")
        self.invariant = invariant


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a seed. `failure` is empty when all was well."""

    seed: int
    digest: str
    hits: Counter[str] = field(repr=False)
    failure: str = ""
    trace: tuple[str, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Stage:
    """A database to run in, with a connection for each part."""

    db: Db
    eyes: Db
    workers: list[Db]

    @classmethod
    def on(cls, url: str) -> "Stage":
        """Connect to a migrated database that holds nothing worth keeping."""
        connect = database.connect
        return cls(connect(url), connect(url), [connect(url) for _ in range(WORKERS_MAX)])

    def close(self) -> None:
        """Let the connections go."""
        for one in (self.db, self.eyes, *self.workers):
            one.close()


@contextmanager
def own_stage() -> Iterator[Stage]:
    """A database of our own, in memory where there is room, gone afterwards."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder in it is made privately
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 * 2**30
    folder = Path(tempfile.mkdtemp(prefix="towpath-", dir=memory if roomy else None))
    folder.chmod(0o711)
    quick = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    quick |= {"shared_buffers": "64MB", "autovacuum": "off"}
    try:
        with embedded.running(folder / "postgresql", extra=quick) as server:
            with database.connect(server.url) as db:
                migrations.migrate(db, START)
            stage = Stage.on(server.url)
            try:
                yield stage
            finally:
                stage.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(seed: int, stage: Stage) -> Result:
    """Live through a seed. Whatever goes wrong is told in the result, with its trace."""
    chance, lot, stir = setting.chances(seed)
    drawn = setting.draw(chance, lot, stir)
    with bounds.small(drawn.bounds):
        made = world.make(drawn, chance, stage.db)
        (journey if drawn.journey else walk).create(made)
        records = Records(made, stage.eyes)
        failure = ""
        try:
            _live(made, records, stage)
        except Exception as error:  # noqa: BLE001 - a crash of the engine is a finding like others
            failure = str(error) if isinstance(error, Violation) else f"crash: {error!r}"
    return Result(seed, _digest(made, stage), made.hits, failure, tuple(made.trace))


def _live(made: World, records: Records, stage: Stage) -> None:
    checkers = always(made.setting)

    def look(_after: str) -> None:
        records.read()
        for invariant, checker in checkers.items():
            for sentence in checker(records):
                raise Violation(invariant, sentence)
        records.flights.clear()

    kind = JourneyStory if made.setting.journey else Story
    if made.setting.upheaval:
        kind = UpheavalStory
    story = kind(made, records, stage.workers, look)
    look("the beginning")
    story.run()
    healing.heal(story)
    look("the end")
    for invariant, checker in at_rest(made.setting).items():
        for sentence in checker(records):
            raise Violation(invariant, sentence)
    story.end()


def _digest(made: World, stage: Stage) -> str:
    """SHA-256 over every table's final rows and TikTok's final members."""
    found = hashlib.sha256()
    for name, rows in snapshots.dump(stage.eyes):
        found.update(f"{name} {rows}\n".encode())
    for audience in made.audiences:
        found.update(made.sandbox.digest(audience.ref).encode())
    return found.hexdigest()
