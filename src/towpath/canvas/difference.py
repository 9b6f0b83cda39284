"""How one version of a Canvas differs from another, and where that leaves the people inside.

Steps are the same step when they have the same id and the same kind: people who wait at one go on
waiting there, with the time they have. A step that is gone, or became another kind, needs a word
about its people: another step, or the exit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from towpath.canvas.graph import Graph, to_data
from towpath.errors import InputError
from towpath.ids import StepId, VersionId
from towpath.people.filter_parse import nearest

MISSING = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `place` is counted from the top of the file; `was` and `now` are plain data,
    None where nothing stands."""

    place: str
    kind: Literal["added", "removed", "changed"]
    was: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Move:
    """The people who stand at a step of an older version, and where they go: a step of the new
    one, or out (None).

    `how`: they stay where they are and keep their time ("stays"), go where somebody said
    ("redirected"), or leave because their step is gone and nobody said anything ("leaves").
    """

    version: VersionId
    step: StepId
    people: int
    to: StepId | None
    how: Literal["stays", "redirected", "leaves"]


def differences(old: Graph, new: Graph) -> list[Change]:
    """Every difference, the old one's order first, down to the field of a step."""
    return _compare("", to_data(old), to_data(new))


def _compare(place: str, was: Any, now: Any) -> list[Change]:
    if isinstance(was, Mapping) and isinstance(now, Mapping) and _is_open(place):
        found = []
        for key in [*was, *(key for key in now if key not in was)]:
            inner = f"{place}.{key}" if place else str(key)
            found += _compare(inner, was.get(key, MISSING), now.get(key, MISSING))
        return found
    if was is MISSING:
        return [Change(place, "added", None, now)]
    if now is MISSING:
        return [Change(place, "removed", was, None)]
    return [] if was == now else [Change(place, "changed", was, now)]


def _is_open(place: str) -> bool:
    """Whether a difference is told by what is inside: the file, the entry, and steps; not filters,
    which are read as a whole."""
    return place in ("", "entry", "steps") or (place.startswith("steps.") and place.count(".") == 1)


def moves(
    version: VersionId,
    old: Graph,
    new: Graph,
    standing: Mapping[StepId, int],
    redirects: Mapping[StepId, StepId | None],
) -> list[Move]:
    """Where the people of an older version go, a line for each step at which somebody stands, in
    the order of its walk.

    `standing` counts who stands there. `redirects` says where the people of a step go instead: to a
    step of the new version, or out (None).
    """
    found = []
    for step in old.walk():
        people = standing.get(step, 0)
        if not people:
            continue
        if step in redirects:
            found.append(Move(version, step, people, redirects[step], "redirected"))
        elif stays(old, new, step):
            found.append(Move(version, step, people, step, "stays"))
        else:
            found.append(Move(version, step, people, None, "leaves"))
    return found


def stays(old: Graph, new: Graph, step: StepId) -> bool:
    """Whether a step of the old graph is still there in the new one: same id, same kind."""
    return step in new.steps and new.steps[step].kind == old.steps[step].kind


def check_redirects(
    olds: Iterable[Graph], new: Graph, redirects: Mapping[StepId, StepId | None]
) -> None:
    """Raise InputError for a redirect from or to a step that is not there."""
    known = {step for old in olds for step in old.steps}
    for step, target in redirects.items():
        where = f"redirects.{step}"
        if step not in known:
            message = f"No version that holds people has a step {step}."
            raise InputError(message, remedy=nearest(step, sorted(known)), field=where)
        if target is not None and target not in new.steps:
            message = f"The new version has no step {target}."
            raise InputError(message, remedy=nearest(target, new.steps), field=where)
