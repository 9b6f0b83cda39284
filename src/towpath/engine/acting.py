"""Acting: what people do moves those on who wait for it at a step of action paths.

The intake hands over each batch of events, in its own transaction. Events are matched against the
live steps that wait; whom they concern is found by intersecting sets. At an unranked step people go
on at once: a new wave stands at the path's end, and a row says that their old wave holds them no
more (store/taken.py). At a ranked step the best that they did is kept until the window ends.

An event counts for whoever had come to the step when it happened; of one person's several entries
it moves the one that has waited longest, except where ranking only keeps it (Braze).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from towpath.canvas.graph import Graph
from towpath.canvas.predicates import Matcher
from towpath.canvas.steps.action_paths import ActionPaths
from towpath.clock import Instant
from towpath.engine.moves import Moves, come, count_leaving
from towpath.engine.standing import Standing
from towpath.engine.steps.protocol import Presence
from towpath.ids import CanvasId, StepId, VersionId, WorkspaceId
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import canvases, exit_sets, taken, waves
from towpath.store.database import Db
from towpath.store.intakes import Seen
from towpath.store.waves import Place, Stand


class Tag(NamedTuple):
    """A path of a step that waits; `rank` is its place in the list."""

    canvas: CanvasId
    version: VersionId
    step: StepId
    rank: int


class Act(NamedTuple):
    """What somebody did, and the paths of one Canvas that it leads to."""

    profile: int
    at: Instant
    tags: tuple[Tag, ...]


@dataclass(slots=True)
class Acting:
    """Listens to the intake. Keeps graphs, which never change, and the people of waves."""

    standing: Standing = field(default_factory=Standing)
    _graphs: dict[VersionId, Graph] = field(default_factory=dict)
    _matchers: dict[tuple[VersionId, ...], Matcher[Tag]] = field(default_factory=dict)

    def __call__(self, db: Db, workspace: WorkspaceId, batch: Sequence[Seen], now: Instant) -> int:
        """Move people by these events, in their order; gives how many went on or did better."""
        moved = 0
        for canvas, acts in sorted(self._match(db, workspace, batch).items()):
            for together in rounds(acts):
                moved += self._act(db, canvas, together, now)
        return moved

    def _match(
        self, db: Db, workspace: WorkspaceId, batch: Sequence[Seen]
    ) -> dict[CanvasId, list[Act]]:
        matcher = self._matcher(db, workspace)
        found: dict[CanvasId, list[Act]] = defaultdict(list)
        for one in batch:
            tags = matcher.find(one.kind, one.name, one.properties, one.at)
            for canvas in {tag.canvas for tag in tags}:
                mine = tuple(sorted({tag for tag in tags if tag.canvas == canvas}))
                found[canvas].append(Act(one.profile, one.at, mine))
        return found

    def _matcher(self, db: Db, workspace: WorkspaceId) -> Matcher[Tag]:
        live = waves.live_versions(db, workspace)
        key = tuple(version for version, _ in live)
        if key not in self._matchers:
            triggers = [
                (trigger, Tag(canvas, version, step, rank))
                for version, canvas in live
                for step, settings in self._graph(db, version).steps.items()
                if isinstance(settings, ActionPaths)
                for rank, path in enumerate(settings.paths)
                for trigger in path.on
            ]
            self._matchers = {key: Matcher(triggers)}
        return self._matchers[key]

    def _graph(self, db: Db, version: VersionId) -> Graph:
        if version not in self._graphs:
            self._graphs[version] = canvases.version(db, version).graph
        return self._graphs[version]

    def _act(self, db: Db, canvas: CanvasId, acts: Sequence[Act], now: Instant) -> int:
        """Everybody of `acts` did one thing."""
        wanted: dict[tuple[VersionId, StepId], dict[int, PeopleSet]] = defaultdict(dict)
        for (version, step, rank), doers in _doers(acts).items():
            wanted[version, step][rank] = doers
        found = self._find(db, canvas, wanted, acts)
        there = waves.share(db, list(found))
        hits: dict[tuple[Stand, int], PeopleSet] = defaultdict(people)
        for place, by_rank in found.items():
            changed = there.get(place.id, people())
            for rank, members in by_rank.items():
                hits[place.stand, rank] |= members if changed is None else members & changed
        moves: dict[VersionId, Moves] = {}
        moved = 0
        for (stand, rank), members in sorted(hits.items(), key=_order):
            if not members:
                continue
            settings = self._settings(db, stand)
            if settings.ranked:
                moved += _keep_best(db, stand, settings, rank, members, now)
            else:
                mine = moves.setdefault(stand.version, Moves(stand.version))
                self._go(Presence(db, stand, now), settings.paths[rank].name, members, mine)
                moved += len(members)
        for _, mine in sorted(moves.items()):
            mine.write(db)
        return moved

    def _find(
        self,
        db: Db,
        canvas: CanvasId,
        wanted: dict[tuple[VersionId, StepId], dict[int, PeopleSet]],
        acts: Sequence[Act],
    ) -> dict[Place, dict[int, PeopleSet]]:
        """In which waves they stand, by the path that they take; whoever waited longest first."""
        leaving = exit_sets.waiting(db, canvas)
        acted_at = {act.profile: act.at for act in acts}
        doers = union(doing for by_rank in wanted.values() for doing in by_rank.values())
        gone: dict[Stand, PeopleSet] = {}
        found: dict[Place, dict[int, PeopleSet]] = {}
        moved = people()
        for place, held in self.standing.find(db, waves.places(db, list(wanted)), doers).hits:
            stand = place.stand
            if stand not in gone:
                gone[stand] = taken.gone(db, stand) | leaving.get(stand.lane, people())
            ranked = self._settings(db, stand).ranked
            here = held - (gone[stand] if ranked else gone[stand] | moved)
            here = here - _before(here, acted_at, place.arrived_at)
            hits = {}
            for rank, doing in sorted(wanted[stand.version, stand.step].items()):
                if hit := here & doing:
                    hits[rank] = hit
                    here = here - hit
            if hits:
                found[place] = hits
            if not ranked:
                moved |= union(hits.values())
        return found

    def _settings(self, db: Db, stand: Stand) -> ActionPaths:
        settings = self._graph(db, stand.version).steps[stand.step]
        assert isinstance(settings, ActionPaths)
        return settings

    def _go(self, presence: Presence, edge: str, members: PeopleSet, moves: Moves) -> None:
        """These people go on now."""
        db, stand = presence.db, presence.stand
        graph = self._graph(db, stand.version)
        target = graph.target(stand.step, edge)
        taken.add(db, stand, edge, members, presence.now, moved=True)
        count_leaving(graph, stand.step, target, edge, len(members), moves)
        if target is not None:
            come(Presence(db, stand.at(target), presence.now), graph, members, moves)


def rounds(acts: Iterable[Act]) -> list[list[Act]]:
    """Rounds in which everybody does one thing, in the order in which they did them."""
    found: list[list[Act]] = []
    times: dict[int, int] = defaultdict(int)
    for act in acts:
        if times[act.profile] == len(found):
            found.append([])
        found[times[act.profile]].append(act)
        times[act.profile] += 1
    return found


def _doers(acts: Iterable[Act]) -> dict[tuple[VersionId, StepId, int], PeopleSet]:
    found: dict[tuple[VersionId, StepId, int], list[int]] = defaultdict(list)
    for act in acts:
        for tag in act.tags:
            found[tag.version, tag.step, tag.rank].append(act.profile)
    return {place: people(profiles) for place, profiles in found.items()}


def _before(members: PeopleSet, acted_at: Mapping[int, Instant], arrived_at: Instant) -> PeopleSet:
    """Who of these people acted before that second: they had not come yet."""
    whole = arrived_at.replace(microsecond=0)
    return people([one for one in members if acted_at[one] < whole])


def _order(hit: tuple[tuple[Stand, int], PeopleSet]) -> tuple[int, str, int, int]:
    stand, rank = hit[0]
    return stand.version, stand.step, stand.lane, rank


def _keep_best(
    db: Db, stand: Stand, settings: ActionPaths, rank: int, members: PeopleSet, now: Instant
) -> int:
    """Keep it for those who did nothing as good yet; gives how many."""
    best = taken.best(db, stand)
    names = [path.name for path in settings.paths]
    as_good = union(best.get(name, people()) for name in names[: rank + 1])
    better = members - as_good
    if better & union(best.values()):
        taken.trim(db, stand, better)
    taken.add(db, stand, names[rank], better, now, moved=False)
    return len(better)
