"""A crowd for the engine's tests: a launched Canvas with as many people as wanted, told by sets."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from towpath.canvas.parse import parse_canvas
from towpath.clock import Instant
from towpath.ids import CanvasId, StepId, VersionId, WorkspaceId
from towpath.people.consent import Consent, ConsentState
from towpath.people.normalise import Normalised, email
from towpath.people.profile import Identifier, PeopleBatch
from towpath.store import canvases, database, profiles, tallies, waves, workspaces
from towpath.store.database import Db
from towpath.store.tallies import Change
from towpath.store.waves import Stand

T = TypeVar("T")

WALK = """
canvas: Walk
entry: {at: launch, first: wait}
steps:
  wait: {kind: delay, for: 10s, next: split}
  split: {kind: decision_split, if: {attribute: even, is: true}, yes: further, no: end}
  further: {kind: delay, for: 20s, next: end}
  end: {kind: exit}
"""


@dataclass(frozen=True, slots=True)
class Crowd:
    """A Canvas that was just launched."""

    db: Db
    workspace: WorkspaceId
    canvas: CanvasId
    version: VersionId

    def stand(self, step: str, lane: int = 0) -> Stand:
        """Where waves of the Canvas stand."""
        return Stand(self.workspace, self.canvas, self.version, StepId(step), lane)

    def counters(self, step: str) -> Change:
        """The counters of a step."""
        return tallies.read(self.db, self.version).get(StepId(step), Change())

    def waves(self) -> list[tuple[int, str, int]]:
        """Every wave: its id, step and number of people."""
        rows = self.db.execute("select id, step, people from wave order by id").fetchall()
        return [(row[0], row[1], row[2]) for row in rows]

    def standing(self) -> int:
        """How many people are inside."""
        return sum(waves.standing(self.db, self.version).values())


def crowd(db: Db, now: Instant, count: int, text: str = WALK) -> Crowd:
    """A launched Canvas in a workspace of `count` people: every other one is even, all consent."""
    workspace = workspaces.ensure_default(db, now).id
    if count:
        profiles.upsert(db, workspace, people_batch(count, now), now)
    graph = parse_canvas(text.encode())
    canvas = canvases.create(db, workspace, graph, now)
    version = canvases.launch(db, workspace, canvas, revision=1, audiences={}, now=now)
    return Crowd(db, workspace, canvas, version)


def people_batch(count: int, now: Instant) -> PeopleBatch:
    """Numbered people."""
    nobody: list[None] = [None] * count
    return PeopleBatch(
        number=[*nobody],
        external_id=[f"p{number}" for number in range(count)],
        email=[_email(number) for number in range(count)],
        phone=[*nobody],
        idfa=[*nobody],
        gaid=[*nobody],
        tracking_allowed=[*nobody],
        country=[*nobody],
        language=[*nobody],
        first_name=[*nobody],
        last_name=[*nobody],
        time_zone=[*nobody],
        birth_date=[*nobody],
        attributes=[{"even": number % 2 == 0} for number in range(count)],
        consent=[Consent(ConsentState.GRANTED, "test", now)] * count,
    )


def _email(number: int) -> Identifier:
    found = email(f"p{number}@example.com")
    assert isinstance(found, Normalised)
    return Identifier(*found)


def at_once(url: str, work: Callable[[Db], T], workers: int = 2) -> list[T]:
    """Let several workers, each with its own connection, begin the same work at one moment."""
    gate = threading.Barrier(workers)

    def run(_: int) -> T:
        with database.connect(url) as db:
            gate.wait()
            return work(db)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(workers)))
