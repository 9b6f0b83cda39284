"""A small world that the real engine made: Canvases, people in them, answers of every kind."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from tests.store.people import Person, batch

from towpath.canvas.parse import parse_canvas
from towpath.clock import Instant
from towpath.engine import courier
from towpath.engine.advance import Advance
from towpath.engine.claim import Claimant, Claimed
from towpath.engine.courier import Answered
from towpath.engine.deadlines import Deadlines
from towpath.engine.entrance import Entrance
from towpath.engine.sender import Sender
from towpath.engine.settler import Settler
from towpath.ids import AudienceId, CanvasId, PartnerRef, StepId, WorkspaceId
from towpath.ledger.windows import Windows
from towpath.partners.protocol import NOTHING_TO_SEND, Answer, AnswerKind, Cause
from towpath.partners.registry import PARTNERS
from towpath.people.consent import Consent, ConsentState
from towpath.store import (
    apps,
    audiences,
    canvases,
    connections,
    permits,
    profiles,
    workspaces,
)
from towpath.store.database import Db
from towpath.store.secrets import KeyRing

APPLIED = Answer(AnswerKind.APPLIED, Cause.NONE, 0)
UNKNOWN = Answer(AnswerKind.UNKNOWN, Cause.SERVER, 50000)
REFUSED = Answer(AnswerKind.REFUSED, Cause.ROWS, 40002)
ACCOUNT = "7000000000000000001"
PEOPLE = 120
FIRST_NUMBER = 65_480  # so that their numbers lie in two blocks
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)

WINBACK = """
canvas: Winback
entry: {at: launch, first: add, reentry: always}
steps:
  add:
    kind: audience_sync
    partner: tiktok
    ad_account: "7000000000000000001"
    audience: {create: winback}
    fields: [email, phone]
    next: wait
  wait: {kind: delay, for: 1h, next: split}
  split: {kind: decision_split, if: {attribute: orders, at_least: 1}, yes: remove, no: end}
  remove:
    kind: audience_sync
    partner: tiktok
    ad_account: "7000000000000000001"
    audience: {create: winback}
    action: remove
    fields: [email]
  end: {kind: exit}
"""
LATER = """
canvas: Later
entry: {at: launch, first: wait, reentry: always}
steps:
  wait: {kind: delay, for: 3d, next: add}
  add:
    kind: audience_sync
    partner: tiktok
    ad_account: "7000000000000000001"
    audience: {create: winback}
    fields: [email]
"""
OTHERS = """
canvas: Others
entry: {at: launch, filter: {attribute: orders, at_least: 2}, first: remove}
steps:
  remove:
    kind: audience_sync
    partner: tiktok
    ad_account: "7000000000000000001"
    audience: {id: "7399999999999999998"}
    action: remove
    fields: [email]
"""


@dataclass
class World:
    """Services, ticked by hand; `answer` says what becomes of the next requests."""

    db: Db
    now: Instant
    workspace: WorkspaceId
    audiences: dict[str, AudienceId]
    answer: Callable[[Claimed], Answer] = field(default=lambda _: APPLIED)
    windows: Windows = field(default_factory=Windows)

    def __post_init__(self) -> None:
        """Make the services."""
        self.sender = Sender(self.db, Claimant("tests", self.windows))
        self.settler = Settler(self.db, self.windows, Random(1))
        self.deadlines = Deadlines(self.db, self.windows, Random(2))
        self.entrance = Entrance(self.db)
        self.walkers = (self.entrance, Advance(self.db, self.windows), self.deadlines)

    def launch(self, draft: str) -> CanvasId:
        """Launch a Canvas, again if it is there already."""
        graph = parse_canvas(draft)
        found = canvases.find(self.db, self.workspace, graph.name)
        canvas = found.id if found else canvases.create(self.db, self.workspace, graph, self.now)
        own = "winback" if "winback" in draft else "others"
        syncs = [step for step, one in graph.steps.items() if one.kind == "audience_sync"]
        meant = {StepId(step): self.audiences[own] for step in syncs}
        canvases.launch(self.db, self.workspace, canvas, revision=1, audiences=meant, now=self.now)
        return canvas

    def again(self, draft: str) -> CanvasId:
        """Stop a Canvas and launch it once more, as a new version."""
        found = canvases.find(self.db, self.workspace, parse_canvas(draft).name)
        assert found is not None
        canvases.stop(self.db, self.workspace, found.id, self.now)
        self.walk()
        return self.launch(draft)

    def walk(self) -> None:
        """Let people enter and move, and time do its part, until nothing is left to do."""
        while sum(service.tick(self.now) for service in self.walkers):
            pass

    def claim(self) -> deque[Claimed]:
        """Whatever may leave now leaves; the requests in flight."""
        while self.sender.tick(self.now):
            pass
        return self.sender.outbox

    def send(self) -> None:
        """Whatever may leave now leaves, and is answered."""
        self.land(len(self.claim()))

    def land(self, count: int) -> None:
        """So many of the requests in flight are answered."""
        for _ in range(count):
            claimed = self.sender.outbox.popleft()
            found = courier.load(self.db, claimed, PARTNERS["tiktok"])
            told = self.answer(claimed) if found.body else NOTHING_TO_SEND
            self.settler.inbox.append(Answered(claimed.id, claimed, told, found.found_keyless))
        while self.settler.inbox:
            self.settler.tick(self.now)

    def pass_by(self, span: timedelta) -> None:
        """Time passes in one jump; then everybody does what they can, twice over."""
        self.now += span
        for _ in range(2):
            self.walk()
            self.send()
            self.now += 6 * SECOND


def open_world(db: Db, now: Instant) -> World:
    """People of every kind, a connection and two audiences, one of which others fill too."""
    workspace = workspaces.ensure_default(db, now).id
    db.execute(f"alter table profile alter column number restart with {FIRST_NUMBER}".encode())
    profiles.upsert(db, workspace, batch(*map(_person, range(PEOPLE))), now)
    app = apps.ensure(db, "tiktok", "7000", 50)
    permits.ensure(db, app, "streaming", 50, now)
    connection = connections.ensure(
        db, workspace, app, "main", people_per_request_max=25, keys_per_request_max=100
    )
    connections.set_token(db, KeyRing({"a": b"k" * 32}, "a"), workspace, connection, "token", now)
    account = connections.ensure_ad_account(db, workspace, connection, PartnerRef(ACCOUNT), "a")
    found = {
        name: audiences.ensure(
            db, workspace, account, PartnerRef(ref), name, created_here=here, now=now
        )
        for name, ref, here in (
            ("winback", "7399999999999999999", True),
            ("others", "7399999999999999998", False),
        )
    }
    return World(db, now, workspace, found)


def _person(number: int) -> Person:
    """Of eleven: one without consent, one without keys, two who share a phone."""
    kind = number % 11
    shared = f"+55119{10000000 + number // 11}"
    return Person(
        f"u{number}",
        mail=None if kind == 1 else f"u{number}@example.com",
        number=shared if kind in (2, 3) else f"+55119{20000000 + number}" if kind > 5 else None,
        consent=Consent(ConsentState.UNKNOWN if kind == 0 else ConsentState.GRANTED, None, None),
        attributes={"orders": number % 3},
    )


def lived_in(db: Db, now: Instant) -> World:
    """Days of life: answers of every kind, people given up on, repeats and folds, Canvases stopped
    with people in them; and in the end some wait, some back off and some are in flight."""
    world = open_world(db, now)
    answers = {1: UNKNOWN, 2: REFUSED}
    world.launch(WINBACK)
    world.launch(OTHERS)
    world.walk()
    world.now += 6 * SECOND
    in_flight = len(world.claim())
    # Somebody loses their keys while they are in flight: nothing of theirs is found to be sent.
    db.execute("delete from match_key where profile = 65490")
    world.land(in_flight)
    world.launch(LATER)
    world.answer = lambda claimed: answers.get(claimed.id % 3, APPLIED)
    world.pass_by(2 * HOUR)
    world.pass_by(HOUR)
    world.answer = lambda _: REFUSED
    world.again(WINBACK)
    for _ in range(16):
        world.pass_by(HOUR)
    world.answer = lambda _: APPLIED
    for _ in range(5):
        world.pass_by(12 * HOUR)
    world.again(WINBACK)
    world.entrance.tick(world.now)
    world.again(WINBACK)
    world.pass_by(HOUR / 2)
    world.again(OTHERS)
    world.now += HOUR
    world.again(WINBACK)
    world.pass_by(SECOND)
    for _ in range(2):
        world.again(LATER)
        world.walk()
    world.now += HOUR
    world.walk()
    world.now += 6 * SECOND
    world.claim()
    world.answer = lambda _: UNKNOWN
    world.land(1)
    return world
