"""Audit, counters: every step's seven counters and every arrow, recounted from what was kept.

Entered is counted three ways that must agree: who came along arrows or through the entrance; who
stands there or went on; and, where people are synced, who arrived in the ledger or stands there.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field

from towpath.canvas.graph import Graph
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.ids import CanvasId, StepId, VersionId
from towpath.store.audit_findings import Audit, Check
from towpath.store.audit_waves import Launched, launched
from towpath.store.publishing import PUBLISHED_IN, PUBLISHED_OUT, REMOVED_IN
from towpath.store.segment_syncs import SEGMENT_IN
from towpath.store.tallies import COUNTERS, Change

COUNTED = Check(
    "counters",
    "The seven counters of every step equal a recount from arrivals, waves and arrows.",
    "The dashboard shows a number that is not so; people are sent rightly all the same.",
    "Compare with a backup from before: it shows which of the two is right.",
)
ARROWS = Check(
    "arrows",
    "Whoever left a step by an arrow entered at its end, and whoever entered at the entrance "
    "entered the first step.",
    "An arrow, an entry or a counter was lost or changed.",
    "Compare with a backup from before: it shows which of the two is right.",
)
CANVASES = Check(
    "canvases",
    "Whoever entered a Canvas stands in it, or has left it.",
    "People were lost on their way, or counted twice.",
    "Pause the Canvas and restore the latest backup.",
)

PUBLISHED = Check(
    "published",
    "As many people of a Canvas came to its newer versions as left its older ones for them.",
    "People were lost when an edit was published, or counted twice.",
    "Pause the Canvas and restore the latest backup.",
)

ENTRY, ENTERED = StepId("(entry)"), "entered"
LEFT, EXITED, REDIRECTED = "left", "exited: ", "redirected"
"""The names that engine/admission.py, engine/moves.py and engine/advance.py give to these arrows:
people come in; they leave before their step performs; a newer version leads them elsewhere."""


@dataclass(slots=True)
class _Version:
    """What was kept of one version, by step."""

    tallies: dict[StepId, Change] = field(default_factory=dict)
    edges: dict[StepId, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    standing: dict[StepId, int] = field(default_factory=dict)
    arrived: dict[StepId, Change] = field(default_factory=dict)
    entries: int = 0

    def came_in(self) -> int:
        """How many a segment brought, or a removal, without an entry."""
        doors = (SEGMENT_IN, REMOVED_IN)
        return sum(sum(self.edges.get(door, {}).values()) for door in doors)

    def came_over(self) -> int:
        """How many came from older versions."""
        return sum(self.edges.get(PUBLISHED_IN, {}).values())

    def went_over(self) -> int:
        """How many left for newer versions."""
        edges = (PUBLISHED_OUT, REDIRECTED)
        return sum(out.get(edge, 0) for out in self.edges.values() for edge in edges)


def check(audit: Audit) -> None:
    """Recount every version."""
    versions = launched(audit)
    went: dict[CanvasId, int] = defaultdict(int)
    for version, kept in _read(audit).items():
        found = versions.get(version)
        where = f"version {version}"
        if found is None:
            audit.find(COUNTED, where, "there is no such version, and people were counted in it.")
        else:
            _steps(audit, where, kept, found.graph)
            _canvas(audit, where, kept)
            went[found.canvas] += kept.went_over() - kept.came_over()
            audit.looked(PUBLISHED, int(kept.came_over() > 0))
    for canvas, missing in went.items():
        if missing:
            what = f"{missing:,} more people left its versions for newer ones than came there."
            audit.find(PUBLISHED, f"Canvas {canvas}", what)
    _places(audit, versions)


def _read(audit: Audit) -> dict[VersionId, _Version]:
    found: dict[VersionId, _Version] = defaultdict(_Version)
    for version, step, *counters in audit.rows("read_tallies"):
        found[version].tallies[step] = Change(*counters)
    for version, step, edge, people in audit.rows("read_edges"):
        found[version].edges[step][edge] = people
    for version, people in audit.rows("sum_entries"):
        found[version].entries = people
    for version, step, people in audit.rows("sum_waves"):
        found[version].standing[step] = people
    for version, step, entered, synced, not_synced, pending, errored in audit.rows("sum_arrivals"):
        found[version].arrived[step] = Change(
            entered, 0, synced, not_synced, pending, errored, exited=0
        )
    return found


def _steps(audit: Audit, where: str, kept: _Version, graph: Graph | None) -> None:
    known = kept.tallies.keys() | kept.edges.keys() | kept.standing.keys() | kept.arrived.keys()
    came = _came(audit, where, kept, graph)
    for step in sorted((known | came.keys()) - {ENTRY, PUBLISHED_IN, SEGMENT_IN, REMOVED_IN}):
        audit.looked(COUNTED)
        here = f"{where}, step {step}"
        said = kept.tallies.get(step, Change())
        if graph is not None and step not in graph.steps:
            audit.find(
                COUNTED, here, "people were counted there, and the version has no such step."
            )
            continue
        recount = _recount(kept, step, graph)
        if graph is None:
            recount.advanced, recount.exited = said.advanced, said.exited
        for name, right, shown in zip(COUNTERS, astuple(recount), astuple(said), strict=True):
            if right != shown:
                what = f"{name} is {right:,} by recount; its tally says {shown:,}."
                audit.find(COUNTED, here, what.replace("_", " "))
        by_arrows = came.get(step, 0) - kept.edges.get(step, {}).get(PUBLISHED_OUT, 0)
        if graph is not None and by_arrows != said.entered:
            what = f"{by_arrows:,} came there by arrows; its tally says {said.entered:,}."
            audit.find(ARROWS, here, what)
        if (arrived := kept.arrived.get(step)) or _syncs(graph, step):
            arrivals = (arrived.entered if arrived else 0) + kept.standing.get(step, 0)
            if arrivals != said.entered:
                what = f"{arrivals:,} arrived or stand there; its tally says {said.entered:,}."
                audit.find(COUNTED, here, what)


def _recount(kept: _Version, step: StepId, graph: Graph | None) -> Change:
    """The counters of a step, from where its people are now."""
    standing, out = kept.standing.get(step, 0), kept.edges.get(step, {})
    targets = graph.steps[step].edges() if graph is not None else {}
    on = sum(people for edge, people in out.items() if targets.get(edge) is not None)
    on += out.get(REDIRECTED, 0)
    left = sum(people for edge, people in out.items() if edge == LEFT or edge.startswith(EXITED))
    ended = sum(out.values()) - on - left - out.get(PUBLISHED_OUT, 0)
    arrived = kept.arrived.get(step, Change())
    syncs = _syncs(graph, step) or step in kept.arrived
    return Change(
        entered=standing + on + ended + left,
        advanced=on + (ended if syncs else 0),
        synced=arrived.synced,
        not_synced=arrived.not_synced,
        pending=arrived.pending + (standing if syncs else 0),
        errored=arrived.errored,
        exited=ended + left,
    )


def _came(audit: Audit, where: str, kept: _Version, graph: Graph | None) -> dict[StepId, int]:
    """How many came to each step, along its arrows or through the entrance."""
    came: dict[StepId, int] = defaultdict(int)
    audit.looked(ARROWS, sum(map(len, kept.edges.values())))
    entered = kept.edges.get(ENTRY, {}).get(ENTERED, 0)
    if entered != kept.entries:
        what = f"the entries hold {kept.entries:,} people; the entrance counted {entered:,}."
        audit.find(ARROWS, where, what)
    if graph is None:
        return came
    if kept.entries and graph.entry.first is not None:
        came[graph.entry.first] += kept.entries
    for door in (PUBLISHED_IN, SEGMENT_IN, REMOVED_IN):
        for step, people in kept.edges.get(door, {}).items():
            came[StepId(step)] += people
    for step, out in kept.edges.items():
        targets = graph.steps[step].edges() if step in graph.steps else {}
        for edge, people in out.items():
            if (target := targets.get(edge)) is not None:
                came[target] += people
    return came


def _canvas(audit: Audit, where: str, kept: _Version) -> None:
    audit.looked(CANVASES)
    standing = sum(kept.standing.values())
    left = sum(said.exited for said in kept.tallies.values())
    entered = kept.entries + kept.came_in() + kept.came_over() - kept.went_over()
    if entered != standing + left:
        what = f"{entered:,} entered, {standing:,} stand in it and {left:,} left."
        audit.find(CANVASES, where, what)


def _places(audit: Audit, versions: Mapping[VersionId, Launched]) -> None:
    """Arrivals name the audience and the action of their step."""
    for version, step, audience, action in audit.rows("read_arrival_places"):
        graph = versions[version].graph if version in versions else None
        settings = graph.steps.get(step) if graph is not None else None
        if graph is not None and not (
            isinstance(settings, AudienceSync)
            and (settings.audience_id, int(settings.action)) == (audience, action)
        ):
            what = f"arrivals of audience {audience} are no such step's."
            audit.find(COUNTED, f"version {version}, step {step}", what)


def _syncs(graph: Graph | None, step: StepId) -> bool:
    return graph is not None and isinstance(graph.steps.get(step), AudienceSync)
