"""Entering: I-13, nobody enters against the rule or without a cause; I-14, a launch is one run."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from towpath.cli.simulation.places import EntryRow, Places
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.world import World
from towpath.people.people_set import PeopleSet, people, union


def nobody_enters_against_the_rule(records: Records) -> Iterator[str]:
    """I-13: never, or not within the time; of a keyed entry each value by itself."""
    world, places = records.world, records.places
    for place, entry in enumerate(
        places.new_entries, len(places.entries) - len(places.new_entries)
    ):
        rule = world.graphs[entry.version].entry
        if rule.key is not None or rule.reentry.after == timedelta():
            continue
        earlier = _earlier(world, places.entries[:place], entry, rule.reentry.after)
        if again := entry.members & earlier:
            yield f"{list(again)} entered again, against the rule"
    yield from _keyed(records, records.places_before)


def _earlier(
    world: World, entries: list[EntryRow], entry: EntryRow, after: timedelta | None
) -> PeopleSet:
    """Who entered before, as long ago as it counts; and into whom they were merged since."""
    found = union(
        one.members for one in entries if after is None or one.entered_at > entry.entered_at - after
    )
    more = {world.merged[one] for one in found if one in world.merged}
    while more - set(found):
        found |= people(more)
        more = {world.merged[one] for one in found if one in world.merged}
    return found


def _keyed(records: Records, before: Places) -> Iterator[str]:
    entry = records.world.graph.entry
    if entry.key is None or entry.reentry.after == timedelta():
        return
    for pair, at in records.places.keys.items():
        last = before.keys.get(pair)
        if last is not None and last < at:
            after = entry.reentry.after
            if after is None or last > at - after:
                yield f"{pair[0]} entered with the key {pair[1]} again, against the rule"


def nobody_enters_without_a_cause(records: Records) -> Iterator[str]:
    """I-13: of what people do and of what the API asks, each lets in once."""
    world = records.world
    entry = world.graph.entry
    if world.healthy_since is not None or entry.at or entry.schedule or _by_segment(world):
        return
    found: Counter[int] = Counter()
    asked: Counter[int] = Counter()
    for one in records.places.entries:
        found.update(_now(world, number) for number in one.members)
    for number, count in world.asked.items():
        asked[_now(world, number)] += count
    for number, count in found.items():
        if count > asked[number]:
            yield f"{number} entered {count} times, and did {asked[number]} things that let them in"


def _by_segment(world: World) -> bool:
    return any(one.kind.name == "SEGMENT" for one in world.graph.entry.on)


def _now(world: World, number: int) -> int:
    while number in world.merged:
        number = world.merged[number]
    return number


def limits_are_kept(records: Records) -> Iterator[str]:
    """I-13: as many as the entry says, ever."""
    total = records.world.graph.entry.limits.total
    found = sum(len(one.members) for one in records.places.entries)
    if total is not None and found > total:
        yield f"{found} entered, and {total} may"


def a_launch_is_one_run(records: Records) -> Iterator[str]:
    """I-14: as many versions as launches and edits; at its time a version lets people in once."""
    world, places = records.world, records.places
    meant = world.launches + world.hits["published"]
    if len(places.redirects) > meant:
        yield f"there are {len(places.redirects)} versions of {meant} launches"
    times: Counter[int] = Counter()
    for version, _ in {(one.version, one.entered_at) for one in places.entries}:
        times[version] += bool(world.graphs[version].entry.at)
    if sum(times.values()) > world.launches:
        yield f"people entered {sum(times.values())} times, of {world.launches} launches"
    for one, next_one in _occurrences(records):
        schedule = world.graphs[one.version].entry
        due = schedule.opens_again(one.entered_at)
        if due is not None and next_one.entered_at < due:
            yield f"people entered at {next_one.entered_at}; the schedule's next time is {due}"


def _occurrences(records: Records) -> Iterator[tuple[EntryRow, EntryRow]]:
    """Each new entry by a schedule, with the one before it of another moment."""
    entries = records.places.entries
    first = len(entries) - len(records.places.new_entries)
    for place in range(max(first, 1), len(entries)):
        before, now = entries[place - 1], entries[place]
        scheduled = records.world.graphs[now.version].entry.schedule is not None
        if scheduled and before.version == now.version and before.entered_at < now.entered_at:
            yield before, now
