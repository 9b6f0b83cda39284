"""Audience paths: everybody goes by the first group that they match."""

from towpath.canvas.paths import OTHERS
from towpath.canvas.steps.audience_paths import AudiencePaths
from towpath.engine.steps.protocol import Moment, Outcome, StepKind
from towpath.people.people_set import PeopleSet
from towpath.store import people_door


class AudiencePathsKind(StepKind):
    """The engine's side of the step."""

    def perform(self, moment: Moment, settings: AudiencePaths, members: PeopleSet) -> list[Outcome]:
        """Ask each group once, of who is left."""
        found, left = [], members
        for path in settings.paths:
            matching = people_door.matching_of(
                moment.db, moment.stand.workspace, path.condition, left, moment.now
            )
            found.append(Outcome(path.name, matching))
            left = left - matching
        return [*found, Outcome(OTHERS, left)]
