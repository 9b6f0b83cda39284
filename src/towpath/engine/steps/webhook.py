"""Webhook: people stand here until the webhooks' own service (engine/webhooks.py) has called."""

from typing import ClassVar

from towpath.canvas.steps.webhook import Webhook
from towpath.engine.steps.protocol import Moment, Outcome, StepKind
from towpath.people.people_set import PeopleSet
from towpath.store.webhooks import HAND


class WebhookKind(StepKind):
    """The engine's side of the step: its waves are another hand's."""

    hand: ClassVar[str] = HAND

    def perform(self, moment: Moment, settings: Webhook, members: PeopleSet) -> list[Outcome]:
        """Never asked: the walk does not claim these waves."""
        raise NotImplementedError
