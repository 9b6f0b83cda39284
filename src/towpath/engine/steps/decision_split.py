"""Decision split: who matches the filter goes one way, everybody else the other."""

from towpath.canvas.steps.decision_split import DecisionSplit
from towpath.engine.steps.protocol import Moment, Outcome, StepKind
from towpath.people.people_set import PeopleSet
from towpath.store import people_door


class DecisionSplitKind(StepKind):
    """The engine's side of the step."""

    def perform(self, moment: Moment, settings: DecisionSplit, members: PeopleSet) -> list[Outcome]:
        """Ask the filter once for all of them."""
        yes = people_door.matching_of(
            moment.db, moment.stand.workspace, settings.condition, members, moment.now
        )
        return [Outcome("yes", yes), Outcome("no", members - yes)]
