"""The end of a journey, when all is at rest: what was walked, and how soon people are sent."""

from datetime import timedelta

from towpath.canvas.steps.action_paths import ActionPaths
from towpath.canvas.steps.exit import Exit
from towpath.cli.simulation import journey
from towpath.cli.simulation.story import Story
from towpath.store import canvases
from towpath.store.canvases import CanvasState
from towpath.store.publishing import PUBLISHED_IN


def count_arrows(story: Story) -> None:
    """Note by which arrows people went, and at what steps."""
    hits = story.world.hits
    for entry in story.records.places.entries:
        door = journey.door_of(story.world.graphs[entry.version].entry)
        hits[f"door: {door}"] += len(entry.members)
    for (version, step, edge), count in story.records.places.arrows.items():
        settings = story.world.graphs[version].steps.get(step)
        if settings is None or not (isinstance(settings, Exit) or edge in settings.edges()):
            hits[f"arrow {edge if step != PUBLISHED_IN else PUBLISHED_IN}"] += count
        else:
            ranked = isinstance(settings, ActionPaths) and settings.ranked
            hits[f"walked: {settings.kind}{', ranked' if ranked else ''}"] += count


def try_the_pace(story: Story) -> None:
    """All is well and nobody waits: whoever enters now is in a request soon (I-41)."""
    world, place = story.world, (story.world.db, story.world.workspace, story.world.canvas)
    if canvases.read(*place).state is CanvasState.RUNNING:
        canvases.stop(*place, world.now)
        story.told("the Canvas is stopped")
    setting = world.setting
    # A removal asks for both fields, whatever its step says.
    size = min(setting.people_per_request, setting.keys_per_request // 2)
    book = story.records.books.get(world.audiences[0].id)
    size = min(size, (book.head[8] if book else None) or size)
    # Whoever has one key of two goes in a request of its own, which may not be full.
    most = max(setting.permits - 2, 0) * size
    found = canvases.read(*place)
    for action in world.chance.sample(["add", "remove"], 2) if most else ():
        draft = journey.straight(world, found.draft, action, most)
        canvases.save_draft(*place, draft, revision=found.revision, now=world.now)
        journey.launch(world)
        world.healthy_since = world.now
        for _ in range(int(setting.windows.flush.total_seconds() * 4) + 6):
            _a_quarter_second(story)
        canvases.stop(*place, world.now)
        found = canvases.read(*place)
        story.pass_time(setting.windows.processing + timedelta(minutes=1))
        world.healthy_since = None


def _a_quarter_second(story: Story) -> None:
    story.walk_on(story.workers[0])
    for worker in story.workers:
        while told := story.claim_by(worker):
            story.told(told)
    for deed in (story.load, story.send, story.land, story.settle):
        while told := deed():
            story.told(told)
    story.pass_time(timedelta(milliseconds=250))
    story.look("a quarter of a second")
