"""Live Canvases of a workspace, kept in memory: who lets people in on what, and out again.

Only the newest version of a Canvas lets people in or out. Versions never change, so a graph is read
once; what is live is read anew whenever somebody asks, and looked up in tables until it differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from towpath.canvas.entry import Entry
from towpath.canvas.predicates import Matcher
from towpath.canvas.triggers import Kind
from towpath.clock import Instant
from towpath.ids import CanvasId, VersionId, WorkspaceId
from towpath.store import canvases, intakes
from towpath.store.canvases import Version
from towpath.store.database import Db
from towpath.store.intakes import LiveVersion


@dataclass(frozen=True, slots=True)
class Live:
    """What is live in a workspace at one moment. Paused Canvases let people out, not in.

    `since`: when each was launched, and has not been stopped; what was published counts as one.
    """

    versions: Mapping[CanvasId, Version]
    since: Mapping[CanvasId, Instant]
    running: frozenset[CanvasId]
    enter: Matcher[CanvasId]
    leave: Matcher[CanvasId]

    def entry(self, canvas: CanvasId) -> Entry:
        """The entry of the Canvas' newest version."""
        return self.versions[canvas].graph.entry

    def segments(self) -> dict[str, list[CanvasId]]:
        """The running Canvases that people enter when they come into a segment, by its name."""
        found: dict[str, list[CanvasId]] = {}
        for canvas in sorted(self.running):
            for name in {one.name for one in self.entry(canvas).on if one.kind == Kind.SEGMENT}:
                found.setdefault(name, []).append(canvas)
        return found


@dataclass(slots=True)
class LiveCanvases:
    """Keeps what is live, a workspace each; one for each connection."""

    db: Db
    _kept: dict[WorkspaceId, tuple[list[LiveVersion], Live]] = field(default_factory=dict)
    _versions: dict[VersionId, Version] = field(default_factory=dict)

    def of(self, workspace: WorkspaceId) -> Live:
        """What is live in the workspace now."""
        rows = intakes.live(self.db, workspace)
        kept = self._kept.get(workspace)
        if kept is not None and kept[0] == rows:
            return kept[1]
        live = self._build(rows)
        self._kept[workspace] = rows, live
        return live

    def _build(self, rows: list[LiveVersion]) -> Live:
        versions = {row.canvas: self._version(row.version) for row in rows}
        running = frozenset(row.canvas for row in rows if row.running)
        entries = {canvas: version.graph.entry for canvas, version in versions.items()}
        return Live(
            versions,
            {row.canvas: row.since for row in rows},
            running,
            Matcher((one, canvas) for canvas in sorted(running) for one in entries[canvas].on),
            Matcher((one, canvas) for canvas in entries for one in entries[canvas].exit_on),
        )

    def _version(self, version: VersionId) -> Version:
        if version not in self._versions:
            self._versions[version] = canvases.version(self.db, version)
        return self._versions[version]
