"""Webhooks: people who stand at one are called, some at a time, and go on by what was answered.

A batch is claimed and rendered, called without a transaction, and settled in one. A call that may
have worked is never surely undone, so every call bears an Idempotency-Key of its own that stays the
same when it is tried again. Who cannot be called goes the way that the step says for failures.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from towpath.canvas.graph import Graph
from towpath.canvas.steps.webhook import Webhook
from towpath.canvas.templates import Template, TemplateFailed
from towpath.clock import Instant, seconds
from towpath.engine.advance import LEAVES, step_out, without_filtered, without_leaving
from towpath.engine.moves import Moves, come, count_leaving
from towpath.engine.steps.protocol import Moment, Presence
from towpath.ids import StepId, VersionId
from towpath.ledger.windows import Windows
from towpath.limits import (
    WEBHOOK_BODY_BYTES_MAX,
    WEBHOOK_LEASE_S,
    WEBHOOK_PEOPLE_PER_CLAIM,
    WEBHOOK_RETRY_FIRST_S,
    WEBHOOK_RETRY_S_MAX,
    WEBHOOK_URL_CHARS_MAX,
)
from towpath.people.people_set import PeopleSet, cut, people
from towpath.store import canvases, entry_contexts, named_secrets, waves, webhooks, workspaces
from towpath.store.database import Db
from towpath.store.secrets import KeyRing
from towpath.store.waves import ClaimedWaves, Stand
from towpath.store.webhooks import HAND, Tried


@dataclass(frozen=True, slots=True)
class Call:
    """One person's call; what it holds is personal."""

    profile: int
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(slots=True)
class Results:
    """What became of a batch: profile numbers. `pause_s` and `pause_until` are what the callee
    asked for."""

    answered: list[int] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    failed: dict[str, list[int]] = field(default_factory=dict)
    pause_s: float = 0.0
    pause_until: Instant | None = None

    def pause(self, now: Instant) -> float:
        """How many seconds from now on the callee asked to be left alone."""
        until = self.pause_until or now
        return max(self.pause_s, (until - now).total_seconds())

    def fail(self, profile: int, why: str) -> None:
        """It failed for good."""
        self.failed.setdefault(why, []).append(profile)


@dataclass(slots=True)
class Batch:
    """People of one claimed wave, with their calls; whose could not be rendered has failed."""

    claimed: ClaimedWaves
    settings: Webhook
    members: PeopleSet
    tried: Tried
    calls: list[Call]
    results: Results


@dataclass(slots=True)
class Webhooks:
    """The service; any number of workers may run one. `take` and `settle` are run in threads."""

    db: Db
    keys: KeyRing
    windows: Windows
    dice: Random
    _graphs: dict[VersionId, Graph] = field(default_factory=dict)
    _templates: dict[tuple[VersionId, StepId], "_Templates"] = field(default_factory=dict)

    def take(self, now: Instant) -> Batch | None:
        """Claim people who are to be called, and render their calls; None: nobody is."""
        lease_until = now + timedelta(seconds=WEBHOOK_LEASE_S)
        claimed = waves.claim(self.db, now, lease_until, 1, HAND)
        if claimed is None:
            return None
        stand = claimed.stand
        graph = self._graph(stand.version)
        settings = graph.steps[stand.step]
        assert isinstance(settings, Webhook)
        left = self._without(claimed, graph, now)
        before = webhooks.tried(self.db, claimed.ids[0]) if left else Tried(0, None, now)
        members = next(iter(cut(left, WEBHOOK_PEOPLE_PER_CLAIM)), people())
        batch = Batch(claimed, settings, members, before, [], Results())
        if members:
            self._render(batch, now)
        return batch

    def settle(self, batch: Batch, now: Instant) -> bool:
        """Write down what became of a batch; False when somebody else has claimed its wave."""
        if not batch.members:
            return True
        stand, results = batch.claimed.stand, batch.results
        with self.db.transaction():
            workspaces.pass_gate(self.db, stand.workspace)
            held = webhooks.hold(self.db, batch.claimed)
            if held is None:
                return False
            version, everyone = held
            graph = self._graph(version)
            here = Stand(stand.workspace, stand.canvas, version, stand.step, stand.lane)
            moves = Moves(version)
            self._call_again(batch, here, now)
            self._lead(here, graph, "next", people(results.answered), now, moves)
            failed = people(one for numbers in results.failed.values() for one in numbers)
            self._lead(here, graph, "failed", failed, now, moves)
            counts = {why: len(numbers) for why, numbers in results.failed.items()}
            webhooks.count_failures(self.db, version, stand.step, counts, now)
            left = everyone - batch.members
            if left:
                webhooks.shrink(self.db, batch.claimed.ids[0], left)
            else:
                waves.end(self.db, batch.claimed.ids)
            moves.write(self.db)
        return True

    def _without(self, claimed: ClaimedWaves, graph: Graph, now: Instant) -> PeopleSet:
        """Who of the wave is to be called: not who is to leave. Nothing is left of the wave when
        that is nobody."""
        moment = Moment(self.db, claimed.stand, now, self.windows)
        moves = Moves(claimed.stand.version)
        with self.db.transaction():
            workspaces.pass_gate(self.db, claimed.stand.workspace)
            if not waves.hold(self.db, claimed):
                return people()
            everyone = claimed.together
            aside = waves.aside(self.db, claimed.stand)
            left = without_leaving(moment, graph, aside, everyone, moves)
            if claimed.stopped:
                step_out(moment, graph, left, LEAVES, moves)
                left = people()
            else:
                left = without_filtered(moment, graph, left, moves)
            if not left:
                waves.end(self.db, claimed.ids)
            elif len(left) < len(everyone):
                webhooks.keep(self.db, claimed.ids[0], left)
            moves.write(self.db)
        return left

    def _lead(
        self,
        here: Stand,
        graph: Graph,
        edge: str,
        members: PeopleSet,
        now: Instant,
        moves: Moves,
    ) -> None:
        if not members:
            return
        target = graph.steps[here.step].edges().get(edge)
        count_leaving(graph, here.step, target, edge, len(members), moves)
        if target is not None:
            come(Presence(self.db, here.at(target), now), graph, members, moves)

    def _call_again(self, batch: Batch, here: Stand, now: Instant) -> None:
        """Who may be called again later is, until the step gives up."""
        results, settings = batch.results, batch.settings
        if not results.again:
            return
        since = batch.tried.since or now
        tries = batch.tried.tries + 1
        wait = min(WEBHOOK_RETRY_FIRST_S * 2 ** (tries - 1), WEBHOOK_RETRY_S_MAX)
        wait = max(wait * self.dice.uniform(0.8, 1.2), min(results.pause(now), WEBHOOK_RETRY_S_MAX))
        due_at = now + seconds(wait)
        if due_at > since + settings.give_up:
            for profile in results.again:
                results.fail(profile, "no success until the step gave up")
            return
        again = Tried(tries, since, batch.tried.arrived_at)
        webhooks.retry(self.db, here, people(results.again), again, due_at)

    def _render(self, batch: Batch, now: Instant) -> None:
        """A call for each of the batch's people."""
        stand, settings = batch.claimed.stand, batch.settings
        templates = self._of(stand, settings)
        graph = self._graph(stand.version)
        carried = entry_contexts.read(self.db, stand.canvas, stand.lane, batch.members)
        secrets = {}
        if settings.secrets():
            secrets = named_secrets.open_all(self.db, self.keys, stand.workspace)
        found = webhooks.recipients(self.db, batch.members)
        for profile in batch.members:
            values = {
                "person": found.get(profile, {}),
                "context": carried.get(profile, {}),
                "canvas": {"name": graph.name, "id": stand.canvas},
            }
            try:
                call = templates.call(profile, values, secrets, now)
            except TemplateFailed as failed:
                batch.results.fail(profile, failed.why)
                continue
            call.headers["Idempotency-Key"] = _key(stand, profile, batch.tried.arrived_at)
            batch.calls.append(call)

    def _graph(self, version: VersionId) -> Graph:
        if version not in self._graphs:
            self._graphs[version] = canvases.version(self.db, version).graph
        return self._graphs[version]

    def _of(self, stand: Stand, settings: Webhook) -> "_Templates":
        place = (stand.version, stand.step)
        if place not in self._templates:
            self._templates[place] = _Templates(settings)
        return self._templates[place]


class _Templates:
    """A step's templates, parsed once."""

    def __init__(self, settings: Webhook) -> None:
        self._url = Template(settings.url or "", "url")
        self._headers = [(name, Template(text, name)) for name, text in settings.headers]
        self._body = Template(settings.body, "body") if settings.body is not None else None

    def call(
        self, profile: int, values: dict[str, Any], secrets: dict[str, str], now: Instant
    ) -> Call:
        """One person's call. Raises TemplateFailed."""
        url = self._url.render(values, now)
        secret = values | {"secret": secrets}
        headers = {name: template.render(secret, now) for name, template in self._headers}
        body = self._body.render(secret, now).encode() if self._body is not None else b""
        if len(url) > WEBHOOK_URL_CHARS_MAX or not url.isprintable():
            raise TemplateFailed("the address cannot be used")
        if not all(text.isprintable() for text in headers.values()):
            raise TemplateFailed("a header holds what no header may")
        if len(body) > WEBHOOK_BODY_BYTES_MAX:
            raise TemplateFailed("the body is too long")
        return Call(profile, url, headers, body)


def _key(stand: Stand, profile: int, arrived_at: Instant) -> str:
    """The same for every try of one person's call, and for nobody else's."""
    place = f"{stand.canvas}|{stand.step}|{stand.lane}|{profile}|{arrived_at.isoformat()}"
    return hashlib.sha256(place.encode()).hexdigest()[:32]
