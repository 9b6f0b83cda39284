"""A Canvas: its name, its entry and its steps, which lead only forward.

A draft may be incomplete: what is missing is None, and `canvas/validate.py` says so. What is there
has been read strictly, by `from_data`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from towpath.canvas.conversions import Conversion, conversions_data, parse_conversions
from towpath.canvas.entry import Entry
from towpath.canvas.fields import Fields, shown, step_id
from towpath.canvas.registry import KINDS
from towpath.canvas.removals import Removal, parse_removals
from towpath.canvas.step import Step
from towpath.errors import InputError
from towpath.ids import StepId
from towpath.limits import CANVAS_STEPS_MAX
from towpath.people.filter_parse import one_of


@dataclass(frozen=True, slots=True)
class Graph:
    """`steps` is empty as long as the draft does not say."""

    name: str
    entry: Entry
    steps: Mapping[StepId, Step]
    conversions: tuple[Conversion, ...] = ()
    removals: tuple[Removal, ...] = ()

    def target(self, step: StepId, edge: str) -> StepId | None:
        """Where an edge leads; None is the exit."""
        return self.steps[step].edges()[edge]

    def walk(self) -> Iterator[StepId]:
        """The steps as people reach them, branch after branch; then those that nobody reaches."""
        reached = list(self._reached())
        yield from reached
        yield from sorted(self.steps.keys() - set(reached))

    def unreachable(self) -> list[StepId]:
        """The steps that no way from the entry leads to, and no removal, by name."""
        named = {one.step for one in self.removals}
        return sorted(self.steps.keys() - set(self._reached()) - named)

    def _reached(self) -> Iterator[StepId]:
        seen: set[StepId] = set()
        ahead = [self.entry.first]
        while ahead:
            step = ahead.pop()
            if step in self.steps and step is not None and step not in seen:
                seen.add(step)
                yield step
                ahead.extend(reversed(self.steps[step].edges().values()))

    def loops(self) -> list[tuple[StepId, str, list[StepId]]]:
        """Each edge (step and name) that leads back, with the way round from its target to its
        step. Without these edges the graph leads only forward."""
        found: list[tuple[StepId, str, list[StepId]]] = []
        done: set[StepId] = set()

        def visit(step: StepId, way: list[StepId]) -> None:
            way = [*way, step]
            for edge, target in self.steps[step].edges().items():
                if target in way:
                    found.append((step, edge, way[way.index(target) :]))
                elif target in self.steps and target is not None and target not in done:
                    visit(target, way)
            done.add(step)

        for step in self.walk():
            if step not in done:
                visit(step, [])
        return found


def from_data(data: object) -> Graph:
    """Read a Canvas from plain data: of a YAML or JSON file, a request, or the store.

    Raises InputError naming the place for anything not understood, a missing name and more than
    CANVAS_STEPS_MAX steps.
    """
    fields = Fields(
        {} if data is None else data, "", ("canvas", "entry", "conversions", "removals", "steps")
    )
    name = fields.text("canvas")
    if name is None:
        raise InputError(
            "there is no Canvas here, or it has no name.",
            remedy="Begin with canvas: NAME.",
            field="canvas",
        )
    return Graph(
        name,
        Entry.parse(fields.raw("entry"), "entry"),
        _steps(fields.raw("steps")),
        parse_conversions(fields.raw("conversions")),
        parse_removals(fields.raw("removals")),
    )


def to_data(graph: Graph) -> dict[str, Any]:
    """The Canvas as plain data, its steps in the order in which people walk; `from_data` reads it
    back equal."""
    steps = {str(step): _step_data(graph.steps[step]) for step in graph.walk()}
    goals = {"conversions": conversions_data(graph.conversions)} if graph.conversions else {}
    removals = {"removals": [one.to_data() for one in graph.removals]} if graph.removals else {}
    begin = {"canvas": graph.name, "entry": graph.entry.to_data()}
    return begin | goals | removals | {"steps": steps}


def _steps(data: object) -> dict[StepId, Step]:
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise InputError(
            "a mapping of ids to steps is needed.",
            remedy="Write wait: {kind: delay, for: 10m}.",
            field="steps",
        )
    if len(data) > CANVAS_STEPS_MAX:
        raise InputError(
            f"{len(data):,} steps are too many; a Canvas has at most {CANVAS_STEPS_MAX}.",
            field="steps",
        )
    return {
        step_id(key, f"steps.{shown(key)}"): _step(one, f"steps.{key}") for key, one in data.items()
    }


def _step(data: object, where: str) -> Step:
    if not isinstance(data, Mapping):
        raise InputError("a step is a mapping.", remedy="Write {kind: exit}.", field=where)
    kind = one_of(data.get("kind"), KINDS, f"{where}.kind")
    return KINDS[kind].parse(data, where)


def _step_data(step: Step) -> dict[str, Any]:
    return {"kind": step.kind} | step.to_data()
