"""Delay: people stand here until their time has come, then go on."""

from datetime import timedelta

from towpath.canvas.steps.delay import Delay
from towpath.engine.steps.protocol import Moment, Outcome, StepKind
from towpath.people.people_set import PeopleSet


class DelayKind(StepKind):
    """The engine's side of the step."""

    def stay(self, settings: Delay) -> timedelta:
        """As long as the step says."""
        assert settings.span is not None
        return settings.span

    def perform(
        self,
        moment: Moment,  # noqa: ARG002 - one protocol for all kinds
        settings: Delay,  # noqa: ARG002
        members: PeopleSet,
    ) -> list[Outcome]:
        """Their time has come: all go on."""
        return [Outcome("next", members)]
