"""The Canvas of a run: people are added, wait, are divided, and half of them are taken out again.

Steps outside of it, named `direct …`, let the story bring any people to any audience at any time.
"""

from collections.abc import Callable
from typing import Any

from towpath.canvas.graph import from_data
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.cli.simulation.world import SimulatedAudience, World
from towpath.ids import AudienceId, StepId
from towpath.people.action import Action
from towpath.store import canvases, pauses
from towpath.store.canvases import CanvasState

NAME = "walk"


def create(world: World) -> None:
    """Save the draft and launch it for the first time."""
    draft = from_data(_draft(world))
    world.canvas = canvases.create(world.db, world.workspace, draft, world.now)
    launch(world)


def launch(world: World) -> None:
    """Launch what was saved: a new version, which people enter at once."""
    found = canvases.read(world.db, world.workspace, world.canvas)
    refs = {audience.ref: audience.id for audience in world.audiences}
    chosen: dict[StepId, AudienceId] = {
        step: refs[settings.audience.ref]  # type: ignore[union-attr]
        for step, settings in found.draft.steps.items()
        if isinstance(settings, AudienceSync)
    }
    world.launches += 1
    world.version = canvases.launch(
        world.db,
        world.workspace,
        world.canvas,
        revision=found.revision,
        audiences=chosen,
        now=world.now,
    )
    world.graphs[world.version] = canvases.version(world.db, world.version).graph


def turn(world: World, launch: Callable[[World], None] = launch) -> str:
    """Do to the Canvas what its state allows: pause it, resume it, stop it, launch it again."""
    state = canvases.read(world.db, world.workspace, world.canvas).state
    place = (world.db, world.workspace, world.canvas, world.now)
    if state is CanvasState.PAUSED:
        exits = world.chance.random() < 0.4
        pauses.resume(*place[:3], exit_overdue=exits, now=world.now)
        return "canvas resumed, overdue people leave" if exits else "canvas resumed"
    if state is CanvasState.STOPPED:
        launch(world)
        return "canvas launched again"
    if world.chance.random() < 0.6:
        canvases.pause(*place)
        return "canvas paused"
    canvases.stop(*place)
    return "canvas stopped"


def heal(world: World) -> None:
    """Whoever waits in a paused Canvas goes on."""
    if canvases.read(world.db, world.workspace, world.canvas).state is CanvasState.PAUSED:
        canvases.resume(world.db, world.workspace, world.canvas, world.now)


def direct_step(audience: SimulatedAudience, action: Action) -> StepId:
    """The step at which the story brings people to an audience by itself."""
    return StepId(f"direct {action.name.lower()} {audience.id}")


def _draft(world: World) -> dict[str, Any]:
    chance = world.chance
    first, last = world.audiences[0], world.audiences[-1]
    fields = [name.value for name in chance.choice(world.setting.fields)]

    def sync(audience: SimulatedAudience, action: str, then: str | None) -> dict[str, Any]:
        return {
            "kind": "audience_sync",
            "partner": "tiktok",
            "ad_account": audience.ad_account_ref,
            "audience": {"id": audience.ref},
            "action": action,
            "fields": fields,
        } | ({"next": then} if then else {})

    return {
        "canvas": NAME,
        "entry": {
            "at": "launch",
            "reentry": chance.choice(["never", "always"]),
            "first": "welcome",
        },
        "steps": {
            "welcome": sync(first, "add", "wait"),
            "wait": {"kind": "delay", "for": chance.choice(["1s", "30s", "2h"]), "next": "split"},
            "split": {
                "kind": "decision_split",
                "if": {"has": "phone"},
                "yes": "take",
                "no": "more",
            },
            "take": sync(first, "remove", None),
            "more": sync(last, "add", "leave"),
            "leave": {"kind": "exit"},
        },
    }
