"""Exit: the journey ends here."""

from towpath.canvas.steps.exit import Exit
from towpath.engine.steps.protocol import Moment, Outcome, StepKind
from towpath.people.people_set import PeopleSet


class ExitKind(StepKind):
    """The engine's side of the step."""

    def perform(
        self,
        moment: Moment,  # noqa: ARG002 - one protocol for all kinds
        settings: Exit,  # noqa: ARG002
        members: PeopleSet,
    ) -> list[Outcome]:
        """Everybody leaves by the edge that leads nowhere."""
        return [Outcome("next", members)]
