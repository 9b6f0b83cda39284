"""The Canvas of a journey: drawn at random of all kinds of steps, edited while people are in it.

Steps are named so that each leads only to later names; a redirect does too. So an entry comes to
each step once.
"""

from contextlib import suppress
from random import Random
from typing import Any

from towpath.canvas.entry import Entry
from towpath.canvas.graph import Graph, from_data, to_data
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.cli.simulation.callee import URL
from towpath.cli.simulation.world import Publication, World
from towpath.errors import ConflictError
from towpath.ids import AudienceId, StepId
from towpath.people.filter_parse import parse_filter
from towpath.store import canvases, publishing, segments

NAME = "journey"
EVENTS = ("bought", "opened", "left")
SEGMENT = "gold"
KINDS = {
    "audience_sync": 4,
    "delay": 3,
    "decision_split": 1,
    "audience_paths": 1,
    "experiment_paths": 1,
    "action_paths": 3,
    "webhook": 4,
    "user_update": 1,
    "exit": 0.5,
}
DOORS: dict[str, tuple[float, dict[str, Any]]] = {
    "launch": (2, {"at": "launch"}),
    "schedule": (1, {"schedule": {"cron": "*/20 * * * *", "zone": "UTC"}}),
    "event": (3, {"on": [{"event": "bought"}]}),
    "key": (1, {"on": [{"event": "bought"}], "key": "k", "context": True}),
    "attribute": (1, {"on": [{"attribute": "plan", "to": "gold"}]}),
    "segment": (1, {"on": [{"segment": SEGMENT}]}),
    "api": (2, {"by": "api"}),
    "api with context": (1, {"by": "api", "context": ["n"]}),
}
"""How people enter, and how often such a door is drawn."""
FILTERS: tuple[dict[str, Any], ...] = (
    {"has": "phone"},
    {"attribute": "orders", "at_least": 2},
    {"attribute": "plan", "is": "gold"},
    {"not": {"attribute": "orders", "at_least": 1}},
    {"event": "bought", "at_least": 2},
)


def create(world: World) -> None:
    """Save the draft, the segment that it may name, and launch it for the first time."""
    gold = parse_filter({"attribute": "plan", "is": "gold"}, "filter")
    segments.create(world.db, world.workspace, SEGMENT, gold, world.now)
    world.canvas = canvases.create(world.db, world.workspace, draw(world), world.now)
    launch(world)


def launch(world: World) -> None:
    """Launch what was saved; perhaps by a double click."""
    found = canvases.read(world.db, world.workspace, world.canvas)
    given: dict[str, Any] = {
        "revision": found.revision,
        "audiences": chosen(world, found.draft),
        "now": world.now,
    }
    world.launches += 1
    place = (world.db, world.workspace, world.canvas)
    world.version = canvases.launch(*place, **given)
    world.graphs[world.version] = canvases.version(world.db, world.version).graph
    if world.chance.random() < 0.3:
        with suppress(ConflictError):
            world.version = canvases.launch(*place, **given)
            world.graphs[world.version] = canvases.version(world.db, world.version).graph
        world.hits["launched by a double click"] += 1


def publish(world: World) -> str:
    """Edit the draft, and publish it while people are inside."""
    db, place = world.db, (world.db, world.workspace, world.canvas)
    found = canvases.read(*place)
    draft = edit(world, found.draft)
    revision = canvases.save_draft(*place, draft, revision=found.revision, now=world.now)
    redirects: dict[StepId, StepId | None] = {}
    for move in publishing.plan(*place, draft, {}):
        lost = move.how == "leaves"
        if world.chance.random() < (0.6 if lost else 0.1):
            later = [step for step in sorted(draft.steps) if step > move.step]
            redirects[move.step] = world.chance.choice([*later, None])
    published = publishing.publish(
        db,
        world.workspace,
        world.canvas,
        revision=revision,
        audiences=chosen(world, draft),
        redirects=redirects,
        now=world.now,
    )
    world.version = published.version
    world.graphs[world.version] = canvases.version(db, world.version).graph
    world.publication = Publication(published.version, redirects)
    world.hits["published"] += 1
    told = ", ".join(f"{one.people} at {one.step} {one.how} {one.to}" for one in published.moves)
    return f"version {published.version} is published: {told}"


def door_of(entry: Entry) -> str:
    """The name of an entry's door."""
    data = entry.to_data()
    asked = ("at", "schedule", "on", "key", "by", "context")
    written = {name: data[name] for name in asked if name in data}
    return next(name for name, (_, door) in DOORS.items() if door == written)


def chosen(world: World, draft: Graph) -> dict[StepId, AudienceId]:
    """The audiences that its steps name."""
    refs = {audience.ref: audience.id for audience in world.audiences}
    return {
        step: refs[settings.audience.ref]  # type: ignore[union-attr]
        for step, settings in draft.steps.items()
        if isinstance(settings, AudienceSync)
    }


def draw(world: World) -> Graph:
    """A draft of three to eight steps."""
    chance = world.chance
    names = [f"s{place}" for place in range(chance.randint(3, 8))]
    steps = {name: _step(world, name, names[place + 1 :]) for place, name in enumerate(names)}
    if chance.random() < 0.3 or not any(one["kind"] == "audience_sync" for one in steps.values()):
        steps[names[0]] = _sync(world, names[1:])
    goal = {"event": "bought", "within": chance.choice(["1h", "3d"])}
    return from_data(
        {"canvas": NAME, "entry": _entry(chance) | {"first": "s0"}, "steps": steps}
        | ({"conversions": [goal]} if chance.random() < 0.5 else {})
    )


def edit(world: World, draft: Graph) -> Graph:
    """The draft with one or two of its steps gone, changed, or new."""
    chance, data = world.chance, to_data(draft)
    steps: dict[str, Any] = data["steps"]
    for _ in range(chance.randint(1, 2)):
        name = chance.choice(sorted(steps))
        later = [one for one in sorted(steps) if one > name]
        what = chance.random()
        if what < 0.4 and len(steps) > 2:
            del steps[name]
            target = later[0] if later else None
            data = _led_elsewhere(data, name, target)
            steps = data["steps"]
        elif what < 0.7:
            steps[name] = _step(world, name, later)
        elif f"{name}b" not in steps:
            steps[f"{name}b"] = _step(world, f"{name}b", later)
            if "next" in steps[name]:
                steps[name]["next"] = f"{name}b"
    if data["entry"].get("first") not in steps:
        data["entry"]["first"] = min(steps)
    return from_data(data)


def straight(world: World, draft: Graph, action: str, most: int) -> Graph:
    """Everybody is brought to the first audience at the launch, up to `most` people."""
    fields = [name.value for name in world.setting.fields[0]]
    step = _sync(world, []) | {"action": action, "fields": fields}
    step["audience"] = {"id": world.audiences[0].ref}
    step["ad_account"] = world.audiences[0].ad_account_ref
    entry = {"at": "launch", "reentry": "always", "first": "s0", "limits": {"per_run": most}}
    return from_data({"canvas": draft.name, "entry": entry, "steps": {"s0": step}})


def _led_elsewhere(data: Any, name: str, target: str | None) -> Any:
    """Plain data in which every arrow to a step leads to another."""
    if isinstance(data, dict):
        kept = {}
        for key, one in data.items():
            if key in {"next", "yes", "no", "else", "failed"} and one == name:
                if target is not None:
                    kept[key] = target
            else:
                kept[key] = _led_elsewhere(one, name, target)
        return kept
    return [_led_elsewhere(one, name, target) for one in data] if isinstance(data, list) else data


def _entry(chance: Random) -> dict[str, Any]:
    name = chance.choices(list(DOORS), [weight for weight, _ in DOORS.values()])[0]
    door = DOORS[name][1]
    entry = {**door, "reentry": chance.choice(["never", "always", "always", {"after": "1h"}])}
    if chance.random() < 0.15:
        entry["filter"] = chance.choice(FILTERS)
    if chance.random() < 0.15:
        entry["limits"] = chance.choice(
            [{"total": 3}, {"total": 9}, {"per_hour": 4}, {"per_day": 6}]
        )
    if chance.random() < 0.2:
        entry["control"] = "25%"
    if chance.random() < 0.4:
        exits = [{"event": "left"}, {"filter": {"attribute": "plan", "is": "lead"}}]
        entry["exit_on"] = chance.sample(exits, chance.choice([1, 2]))
    return entry


def _step(world: World, name: str, later: list[str]) -> dict[str, Any]:
    (kind,) = world.chance.choices(list(KINDS), list(KINDS.values()))
    if kind == "audience_sync":
        return _sync(world, later)
    found = {"kind": kind} | _SETTINGS[kind](world.chance, later)
    return found | ({"url": URL + name} if kind == "webhook" else {})


def _then(chance: Random, later: list[str], name: str = "next") -> dict[str, str]:
    """Where it goes on: often to the step that follows, seldom out."""
    if not later or chance.random() < 0.1:
        return {}
    return {name: later[0] if chance.random() < 0.6 else chance.choice(later)}


def _sync(world: World, later: list[str]) -> dict[str, Any]:
    chance = world.chance
    audience = chance.choice(world.audiences)
    return {
        "kind": "audience_sync",
        "partner": "tiktok",
        "ad_account": audience.ad_account_ref,
        "audience": {"id": audience.ref},
        "action": chance.choice(["add", "add", "remove"]),
        "fields": [name.value for name in chance.choice(world.setting.fields)],
    } | _then(chance, later)


def _delay(chance: Random, later: list[str]) -> dict[str, Any]:
    spans: list[dict[str, Any]] = [{"for": span} for span in ("1s", "30s", "10m", "2h")]
    clocks: list[dict[str, Any]] = [
        {"until": "14:30"},
        {"until": {"weekday": "tue", "at": "09:00"}},
    ]
    return chance.choice(spans + clocks) | _then(chance, later)


def _split(chance: Random, later: list[str]) -> dict[str, Any]:
    ways = _then(chance, later, "yes") | _then(chance, later, "no")
    return {"if": chance.choice(FILTERS)} | ways


def _audience_paths(chance: Random, later: list[str]) -> dict[str, Any]:
    paths = [
        {"name": name, "if": tree} | _then(chance, later)
        for name, tree in zip(("one", "two"), chance.sample(FILTERS, 2), strict=True)
    ]
    return {"paths": paths} | _then(chance, later, "else")


def _experiment_paths(chance: Random, later: list[str]) -> dict[str, Any]:
    weighed: dict[str, Any] = {"weight": 40}
    paths = [weighed | {"name": name} | _then(chance, later) for name in ("one", "two")]
    control = weighed | {"weight": 20} | _then(chance, later)
    return {"paths": paths, "control": control} | chance.choice([{}, {"sticky": False}])


def _action_paths(chance: Random, later: list[str]) -> dict[str, Any]:
    paths = [
        {"name": name, "on": [{"event": event}]} | _then(chance, later)
        for name, event in zip(("one", "two"), chance.sample(EVENTS, 2), strict=True)
    ]
    within = chance.choice(["30s", "1h"])
    ranked = {"ranked": True} if chance.random() < 0.4 else {}
    return {"paths": paths, "within": within} | ranked | _then(chance, later, "else")


def _webhook(chance: Random, later: list[str]) -> dict[str, Any]:
    ways = _then(chance, later) | _then(chance, later, "failed")
    error = {} if "failed" in ways else {"on_error": chance.choice(["next", "exit"])}
    give_up = chance.choice(["30s", "1h"])
    return {"method": "POST", "body": "{}", "give_up": give_up} | error | ways


def _user_update(chance: Random, later: list[str]) -> dict[str, Any]:
    changes: list[dict[str, Any]] = [{"set": {"plan": "gold"}}, {"increment": {"orders": 1}}]
    return chance.choice(changes) | _then(chance, later)


def _exit(_chance: Random, _later: list[str]) -> dict[str, Any]:
    return {}


_SETTINGS = {
    "delay": _delay,
    "decision_split": _split,
    "audience_paths": _audience_paths,
    "experiment_paths": _experiment_paths,
    "action_paths": _action_paths,
    "webhook": _webhook,
    "user_update": _user_update,
    "exit": _exit,
}
