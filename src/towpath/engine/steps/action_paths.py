"""Action paths: people stand here until they do something (engine/acting.py moves them then), at
the longest until the window ends."""

from datetime import timedelta

from towpath.canvas.paths import OTHERS
from towpath.canvas.steps.action_paths import ActionPaths
from towpath.engine.steps.protocol import Moment, Outcome, StepKind
from towpath.people.people_set import PeopleSet
from towpath.store import taken


class ActionPathsKind(StepKind):
    """The engine's side of the step."""

    def stay(self, settings: ActionPaths) -> timedelta:
        """As long as the window is open."""
        return settings.within

    def perform(self, moment: Moment, settings: ActionPaths, members: PeopleSet) -> list[Outcome]:
        """The window has ended: who did something, at a ranked step, goes by the best of it; the
        others go by `else`."""
        found, left = [], members
        best = taken.best(moment.db, moment.stand)
        for path in settings.paths:
            if did := best.get(path.name, left - left) & left:
                found.append(Outcome(path.name, did))
                left = left - did
        if best:
            taken.trim(moment.db, moment.stand, members)
        return [*found, Outcome(OTHERS, left)]
