"""What happens to a Canvas from a draft to its launch: saved, checked, its audiences made, frozen.

The API's routes, the commands and the demo all call these.
"""

from collections.abc import Iterator
from dataclasses import replace

from towpath.api import audience_making
from towpath.api.reach import DEADLINE_S, Reach, in_words, place_named
from towpath.api.surroundings import surroundings
from towpath.api.troubles import CONNECT
from towpath.canvas.asked import asked
from towpath.canvas.findings import Finding, Level
from towpath.canvas.graph import Graph, from_data, to_data
from towpath.canvas.steps.audience_sync import AudienceSync, NewAudience
from towpath.canvas.validate import validate
from towpath.clock import Instant
from towpath.errors import ConflictError, InputError, NotFoundError
from towpath.ids import AudienceId, CanvasId, StepId, VersionId, WorkspaceId
from towpath.store import audit_trail, canvases, filter_known, people_door, publishing
from towpath.store.canvases import Canvas
from towpath.store.database import Db
from towpath.store.publishing import Published

__all__ = ("DEADLINE_S", "Reach", "in_words")
COUNTED = 1_000_000
"""So many profile numbers are counted by one query: a set of at most 128 kB."""
COUNT_SLACK = 10
COMMANDS = {
    "not_connected": f"Run {CONNECT} first.",
    "connection_broken": f"Connect again: {CONNECT}.",
}
"""What to type, for findings that a command mends."""


async def findings(
    db: Db, workspace: WorkspaceId, graph: Graph, reach: Reach, now: Instant
) -> list[Finding]:
    """Everything that keeps the graph from launching, and what else deserves a look.

    Asks the partner for the audiences of an ad account when the list that we have is old, or lacks
    one that the graph names. Raises PartnerError when it does not tell and must be known.
    """
    around = await surroundings(db, workspace, graph, reach, now)
    found = validate(graph, around)
    found += _unknown_names(db, workspace, graph, now)
    return [replace(one, hint=COMMANDS.get(one.code, one.hint)) for one in found]


def _unknown_names(db: Db, workspace: WorkspaceId, graph: Graph, now: Instant) -> Iterator[Finding]:
    """Filters that name a segment, a Canvas or an audience that is not there."""
    for step, field, tree in asked(graph):
        try:
            filter_known.read(db, workspace, tree, now)
        except (InputError, NotFoundError, ConflictError) as error:
            yield Finding(
                "filter_names_unknown", Level.ERROR, step, field, error.message, error.remedy
            )


def save(db: Db, workspace: WorkspaceId, graph: Graph, now: Instant) -> tuple[CanvasId, int]:
    """Save the graph as the draft of the Canvas of its name; gives its id and revision, which is
    the one before when nothing differs."""
    found = canvases.find(db, workspace, graph.name)
    if found is None:
        canvas = canvases.create(db, workspace, graph, now)
        return canvas, canvases.read(db, workspace, canvas).revision
    if to_data(found.draft) == to_data(graph):
        return found.id, found.revision
    revision = canvases.save_draft(db, workspace, found.id, graph, revision=found.revision, now=now)
    return found.id, revision


async def make_audiences(
    db: Db, workspace: WorkspaceId, graph: Graph, reach: Reach, now: Instant
) -> dict[StepId, AudienceId]:
    """The audience of each Audience Sync step, created at the partner where it does not exist yet.

    An audience that two steps name is made once. Raises InputError for a step that does not say
    enough, PartnerError when the partner does not create it.
    """
    found: dict[StepId, AudienceId] = {}
    for step, settings in graph.steps.items():
        if isinstance(settings, AudienceSync):
            found[step] = await _audience(db, workspace, step, settings, reach, now)
    return found


async def _audience(
    db: Db,
    workspace: WorkspaceId,
    step: StepId,
    settings: AudienceSync,
    reach: Reach,
    now: Instant,
) -> AudienceId:
    if settings.partner is None or settings.ad_account is None or settings.audience is None:
        raise InputError(
            "partner, ad account and audience must be chosen first.", field=f"steps.{step}"
        )
    place = place_named(db, workspace, settings.ad_account)
    wanted = settings.audience
    if isinstance(wanted, NewAudience):
        return await audience_making.make(db, place, wanted.name, reach, now)
    return await audience_making.adopt(db, place, wanted.ref, reach, now)


async def launch(
    db: Db,
    workspace: WorkspaceId,
    canvas: Canvas,
    reach: Reach,
    now: Instant,
    *,
    actor: str = audit_trail.TERMINAL,
) -> tuple[VersionId | None, list[Finding]]:
    """Check the draft and launch it. With a finding in the way, nothing is launched."""
    before = await findings(db, workspace, canvas.draft, reach, now)
    if any(finding.level is Level.ERROR for finding in before):
        return None, before
    made = await make_audiences(db, workspace, canvas.draft, reach, now)
    where = f"canvas {canvas.id}"
    with audit_trail.noted(db, workspace, actor, "canvas.launched", where, now) as told:
        version = canvases.launch(
            db,
            workspace,
            canvas.id,
            revision=canvas.revision,
            audiences=made,
            now=now,
        )
        told |= {"canvas": canvas.draft.name, "version": version, "audiences": made}
    return version, before


async def publish(
    db: Db,
    workspace: WorkspaceId,
    canvas: Canvas,
    redirects: publishing.Redirects,
    reach: Reach,
    now: Instant,
    *,
    actor: str = audit_trail.TERMINAL,
) -> tuple[Published | None, list[Finding]]:
    """Check the draft of a Canvas that runs and publish it. With a finding in the way, nothing is
    published."""
    before = await findings(db, workspace, canvas.draft, reach, now)
    if any(finding.level is Level.ERROR for finding in before):
        return None, before
    made = await make_audiences(db, workspace, canvas.draft, reach, now)
    where = f"canvas {canvas.id}"
    with audit_trail.noted(db, workspace, actor, "canvas.published", where, now) as told:
        published = publishing.publish(
            db,
            workspace,
            canvas.id,
            revision=canvas.revision,
            audiences=made,
            redirects=redirects,
            now=now,
        )
        told |= {"canvas": canvas.draft.name, "version": published.version, "audiences": made}
    return published, before


def count(db: Db, workspace: WorkspaceId, graph: Graph, now: Instant) -> int:
    """How many people match the entry's filter now: whom a launch means. Where people enter one by
    one, when they act, a launch means nobody yet: 0."""
    if graph.entry.one_by_one:
        return 0
    highest = people_door.highest_number(db, workspace)
    return sum(
        len(people_door.matching(db, workspace, graph.entry.filter, low, low + COUNTED, now))
        for low in range(0, highest + 1, COUNTED)
    )


def check_count(db: Db, workspace: WorkspaceId, graph: Graph, shown: int, now: Instant) -> None:
    """Raise ConflictError when the launch means many more or fewer people than were shown: people
    come and go meanwhile, so a tenth, or COUNT_SLACK people, is let pass. Where people enter one by
    one there is no number to know, and any passes."""
    if graph.entry.one_by_one:
        return
    people = count(db, workspace, graph, now)
    if abs(people - shown) <= max(COUNT_SLACK, shown // 10):
        return
    raise ConflictError(
        f"The launch means {people:,} people now; {shown:,} were acknowledged.",
        remedy=f"Look at it again, and acknowledge {people}.",
        field="people",
    )


def renamed(graph: Graph, name: str) -> Graph:
    """The graph under another name, its audiences as they were written."""
    return from_data(to_data(graph) | {"canvas": name})
