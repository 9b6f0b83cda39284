"""Audit, waves: everybody stands once in a lane, at a step that is there, and entered before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towpath.canvas.frozen import frozen_from_data
from towpath.canvas.graph import Graph
from towpath.errors import InputError
from towpath.ids import CanvasId, StepId, VersionId
from towpath.people.people_set import PeopleSet, load, people
from towpath.store.audit_findings import Audit, Check, gather, people_text

VERSIONS = Check(
    "versions",
    "Every launched version of a Canvas can be read.",
    "Nobody can move in this version.",
    "Restore the latest backup; launched versions never change.",
)
WAVES = Check(
    "waves",
    "Nobody stands twice in one lane of a Canvas, and whoever stands somewhere entered before.",
    "People would go their way twice, or a way that is not theirs.",
    "Pause the Canvas and restore the latest backup.",
)


@dataclass(frozen=True, slots=True)
class Launched:
    """A version as launched; `graph` is None when it cannot be read."""

    canvas: CanvasId
    graph: Graph | None

    def has(self, step: StepId) -> bool:
        """Is there such a step? What cannot be read is not held against it."""
        return self.graph is None or step in self.graph.steps


def launched(audit: Audit) -> dict[VersionId, Launched]:
    """Every launched version."""
    return {
        VersionId(version): Launched(CanvasId(canvas), _graph(data))
        for version, canvas, data in audit.rows("read_versions")
    }


def _graph(data: Mapping[str, Any]) -> Graph | None:
    try:
        return frozen_from_data(data)
    except (InputError, KeyError, TypeError, ValueError, AttributeError):
        return None


def check(audit: Audit) -> None:
    """Look at every version, and at everybody who stands in a Canvas."""
    versions = launched(audit)
    for version, found in versions.items():
        audit.looked(VERSIONS)
        if found.graph is None:
            audit.find(VERSIONS, f"version {version}", "its graph cannot be read.")
    for (canvas,) in list(audit.rows("read_canvases_with_waves")):
        _canvas(audit, CanvasId(canvas), versions)


def _canvas(audit: Audit, canvas: CanvasId, versions: Mapping[VersionId, Launched]) -> None:
    entered, whole = _entered(audit, canvas)
    gone, held = _taken(audit, canvas)
    standing: dict[int, PeopleSet] = {}
    for wave, version, step, lane, packed in audit.rows("read_waves", (canvas,)):
        audit.looked(WAVES)
        where = f"wave {wave} of Canvas {canvas}"
        _place(audit, where, versions.get(version), (canvas, version, StepId(step)))
        if not audit.readable("wave", wave):
            gone.pop((version, step, lane), None)
            held.pop((version, step, lane), None)
            continue
        members, others = load(packed), standing.get(lane, people())
        if (version, step, lane) in gone:
            went = gone[version, step, lane] & members
            gone[version, step, lane] -= went
            members = members - went
        if (version, step, lane) in held:
            held[version, step, lane] -= members
        if twice := len(members & others):
            what = f"{people_text(twice)} stand in lane {lane} elsewhere too."
            audit.find(WAVES, where, what)
        gather(standing, lane, members)
        # An edit that was published hands waves over to a version that nobody entered.
        strangers = len(members - entered.get(lane, people()))
        if strangers and whole:
            audit.find(WAVES, where, f"{people_text(strangers)} never entered lane {lane}.")
    _tell_unheld(audit, gone, "went on from waves that do not hold them")
    _tell_unheld(audit, held, "did something there, and stand elsewhere")
    if whole:
        _exits(audit, canvas, entered)


def _entered(audit: Audit, canvas: CanvasId) -> tuple[dict[int, PeopleSet], bool]:
    """Who ever entered each lane; and whether every entry can be read."""
    entered: dict[int, PeopleSet] = {}
    whole = True
    for entry, _, lane, members in audit.rows("read_entries", (canvas,)):
        if audit.readable("entry", entry):
            gather(entered, lane, load(members))
        else:
            whole = False
    return entered, whole


def _exits(audit: Audit, canvas: CanvasId, entered: Mapping[int, PeopleSet]) -> None:
    """Whoever is to leave entered before."""
    for row, lane, packed in audit.rows("read_exits", (canvas,)):
        audit.looked(WAVES)
        strangers = 0
        if audit.readable("exit set", row):
            strangers = len(load(packed) - entered.get(lane, people()))
        if strangers:
            what = f"{people_text(strangers)} are to leave lane {lane}, and never entered it."
            audit.find(WAVES, f"exit set {row} of Canvas {canvas}", what)


def _place(
    audit: Audit, where: str, found: Launched | None, stand: tuple[CanvasId, VersionId, StepId]
) -> None:
    """A wave stands at a step that there is."""
    canvas, version, step = stand
    if found is None or found.canvas != canvas:
        audit.find(WAVES, where, f"its version {version} is none of this Canvas.")
    elif not found.has(step):
        audit.find(WAVES, where, f"its version {version} has no step {step}.")


_Spots = dict[tuple[VersionId, str, int], PeopleSet]
"""People by version, step and lane."""


def _tell_unheld(audit: Audit, spots: _Spots, why: str) -> None:
    for (version, step, lane), left in spots.items():
        if left:
            where = f"version {version}, step {step}, lane {lane}"
            audit.find(WAVES, where, f"{people_text(len(left))} {why}.")


def _taken(audit: Audit, canvas: CanvasId) -> tuple[_Spots, _Spots]:
    """Who went on from waves that still hold them, and whose best is kept while they stand there;
    each is said once."""
    gone: _Spots = {}
    held: _Spots = {}
    for row, version, step, lane, moved, packed in audit.rows("read_taken", (canvas,)):
        if not audit.readable("taken", row):
            continue
        members, found = load(packed), gone if moved else held
        if twice := len(members & found.get((version, step, lane), people())):
            what = f"{people_text(twice)} {'went on from' if moved else 'did'} step {step} twice."
            audit.find(WAVES, f"taken {row} of Canvas {canvas}", what)
        gather(found, (version, step, lane), members)
    return gone, held
