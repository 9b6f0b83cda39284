"""Paths: the named ways on from a step that divides people, in the order in which they are asked.

    paths:
      - {name: vip, if: {attribute: orders, at_least: 10}, next: thank}
      - {name: buyer, if: {attribute: orders, at_least: 1}, next: add}
    else: leave

A path's name is the name of its edge: counters are kept by it, so it stays while people walk.
"""

from collections.abc import Iterable

from towpath.canvas.fields import Fields, step_id
from towpath.canvas.findings import Finding, Level
from towpath.errors import InputError
from towpath.ids import StepId

OTHERS = "else"
"""The edge of whoever goes by no path."""
CONTROL = "control"
"""The edge of an experiment's control group."""
_RESERVED = frozenset({OTHERS, CONTROL, "next", "missing", "left", "published", "redirected"})


def parse_paths(data: object, where: str, known: Iterable[str], most: int) -> list[Fields]:
    """The fields of each path (`name`, `next` and the `known` ones), at most `most` paths; missing:
    none yet. Raises InputError naming the place, also for a name that stands twice."""
    if data is None:
        return []
    if not isinstance(data, list) or len(data) > most:
        raise InputError(
            f"a list of at most {most} paths is needed.",
            remedy="Write paths: [{name: buyer, next: STEP, ...}].",
            field=where,
        )
    found = [
        Fields(one, f"{where}[{place}]", ("name", "next", *known)) for place, one in enumerate(data)
    ]
    names: set[str] = set()
    for fields in found:
        name = path_name(fields)
        if name in names:
            raise InputError("this name stands twice.", field=fields.path("name"))
        names.add(name)
    return found


def path_name(fields: Fields) -> str:
    """The name of a path: like a step's id, and none of the words that Towpath itself uses."""
    where = fields.path("name")
    if fields.raw("name") is None:
        raise InputError("a path has a name.", remedy="Write name: buyer.", field=where)
    name = str(step_id(fields.raw("name"), where))
    if name in _RESERVED:
        raise InputError("this name is Towpath's own.", remedy="Choose another.", field=where)
    return name


def missing_paths(step: StepId, least: int, count: int) -> list[Finding]:
    """A finding when a step has fewer paths than make sense."""
    if count >= least:
        return []
    message = f"It has {count or 'no'} path{'' if count == 1 else 's'}; at least {least} "
    return [
        Finding(
            "paths_missing",
            Level.ERROR,
            step,
            "paths",
            message + ("is needed." if least == 1 else "are needed."),
            "Write paths: [{name: buyer, next: STEP, ...}].",
        )
    ]
