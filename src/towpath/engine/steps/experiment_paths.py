"""Experiment paths: everybody draws a lot, and goes by the path in whose span it lies."""

from towpath.canvas.steps.experiment_paths import WHOLE, ExperimentPaths
from towpath.engine.steps.protocol import Moment, Outcome, StepKind
from towpath.people.lots import share
from towpath.people.people_set import PeopleSet


class ExperimentPathsKind(StepKind):
    """The engine's side of the step."""

    def perform(
        self, moment: Moment, settings: ExperimentPaths, members: PeopleSet
    ) -> list[Outcome]:
        """Sticky: the lot is of the person and this step of the Canvas. Else of the moment too, at
        which people come here."""
        salt = f"experiment {moment.stand.canvas} {moment.stand.step}"
        if not settings.sticky:
            salt += f" {moment.stand.lane} {moment.now.isoformat()}"
        found, left, upto = [], members, 0
        for path in settings.all_paths:
            upto += path.weight or 0
            drawn = left if upto == WHOLE else share(left, salt, upto / WHOLE)
            found.append(Outcome(path.name, drawn))
            left = left - drawn
        return found
