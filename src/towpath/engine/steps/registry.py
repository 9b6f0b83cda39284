"""The kinds of step: settings of the Canvas to what the engine does. A new kind is a line here."""

from typing import Any

from towpath.canvas.steps.action_paths import ActionPaths
from towpath.canvas.steps.audience_paths import AudiencePaths
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.canvas.steps.decision_split import DecisionSplit
from towpath.canvas.steps.delay import Delay
from towpath.canvas.steps.exit import Exit
from towpath.canvas.steps.experiment_paths import ExperimentPaths
from towpath.canvas.steps.user_update import UserUpdate
from towpath.canvas.steps.webhook import Webhook
from towpath.engine.steps.action_paths import ActionPathsKind
from towpath.engine.steps.audience_paths import AudiencePathsKind
from towpath.engine.steps.audience_sync import AudienceSyncKind
from towpath.engine.steps.decision_split import DecisionSplitKind
from towpath.engine.steps.delay import DelayKind
from towpath.engine.steps.exit import ExitKind
from towpath.engine.steps.experiment_paths import ExperimentPathsKind
from towpath.engine.steps.protocol import StepKind
from towpath.engine.steps.user_update import UserUpdateKind
from towpath.engine.steps.webhook import WebhookKind

KINDS: dict[type[Any], StepKind] = {
    ActionPaths: ActionPathsKind(),
    AudiencePaths: AudiencePathsKind(),
    AudienceSync: AudienceSyncKind(),
    DecisionSplit: DecisionSplitKind(),
    Delay: DelayKind(),
    Exit: ExitKind(),
    ExperimentPaths: ExperimentPathsKind(),
    UserUpdate: UserUpdateKind(),
    Webhook: WebhookKind(),
}


def kind_of(settings: object) -> StepKind:
    """What the engine does at a step with these settings."""
    return KINDS[type(settings)]
