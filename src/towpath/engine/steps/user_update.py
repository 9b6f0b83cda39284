"""User Update: the profiles of the people who come here change, and they go on at once."""

from towpath.canvas.steps.user_update import UserUpdate
from towpath.engine.steps.protocol import Moment, Outcome, StepKind
from towpath.people.people_set import PeopleSet
from towpath.store import user_updates


class UserUpdateKind(StepKind):
    """The engine's side of the step."""

    def perform(self, moment: Moment, settings: UserUpdate, members: PeopleSet) -> list[Outcome]:
        """Change the profiles; all go on."""
        user_updates.apply(moment.db, moment.stand.workspace, settings, members, moment.now)
        return [Outcome("next", members)]
