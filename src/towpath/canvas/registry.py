"""The kinds of steps that Canvases have, by their word. A new kind is a file and a line here."""

from collections.abc import Mapping

from towpath.canvas.step import Step
from towpath.canvas.steps.action_paths import ActionPaths
from towpath.canvas.steps.audience_paths import AudiencePaths
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.canvas.steps.decision_split import DecisionSplit
from towpath.canvas.steps.delay import Delay
from towpath.canvas.steps.exit import Exit
from towpath.canvas.steps.experiment_paths import ExperimentPaths
from towpath.canvas.steps.user_update import UserUpdate
from towpath.canvas.steps.webhook import Webhook

KINDS: Mapping[str, type[Step]] = {
    kind.kind: kind
    for kind in (
        Delay,
        DecisionSplit,
        AudiencePaths,
        ActionPaths,
        ExperimentPaths,
        AudienceSync,
        UserUpdate,
        Webhook,
        Exit,
    )
}
