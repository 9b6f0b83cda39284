"""Counting: I-01 to I-06, from the rows of arrivals, outcomes, waves, entries and tallies."""

from collections import defaultdict
from collections.abc import Iterator

from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.cli.simulation.records import ArrivalRow, Records
from towpath.cli.simulation.world import World
from towpath.people.people_set import PeopleSet, load, people, union
from towpath.store import snapshots

Step = tuple[int, str]


def everyone_is_counted_once(records: Records) -> Iterator[str]:
    """I-01, I-02: each entry is in exactly one of synced, not synced, pending, errored."""
    for arrival in records.arrivals.values():
        told = [one.members for one in arrival.outcomes]
        if sum(len(one) for one in told) != len(union(told)):
            yield f"arrival {arrival.id}: somebody has two outcomes"
        if arrival.waiting & union(told):
            yield f"arrival {arrival.id}: somebody waits and has an outcome"
        if arrival.waiting - arrival.members:
            yield f"arrival {arrival.id}: somebody waits who never came"
        if arrival.counts != recounted(arrival):
            yield f"arrival {arrival.id} says {arrival.counts}, its sets {recounted(arrival)}"


def recounted(arrival: ArrivalRow) -> tuple[int, ...]:
    """Entered, synced, not synced, pending, errored: from the sets."""
    synced = len(arrival.acknowledged) + len(arrival.told("synced"))
    not_synced, errored = len(arrival.told("not_synced")), len(arrival.told("errored"))
    pending = len(arrival.waiting)
    return (synced + not_synced + pending + errored, synced, not_synced, pending, errored)


def tallies_equal_a_recount(records: Records) -> Iterator[str]:
    """I-03: the counters of each sync step; whoever stands at it is entered and pending."""
    world = records.world
    found: dict[Step, list[int]] = defaultdict(lambda: [0] * 5)
    for arrival in records.arrivals.values():
        place = found[arrival.version, arrival.step]
        for index, count in enumerate(arrival.counts):
            place[index] += count
    for _, _, version, step, _, members in snapshots.waves(records.eyes):
        if _is_sync(world, step):
            for index in (0, 3):
                found[version, step][index] += len(load(members))
    for version, step, entered, _, synced, not_synced, pending, errored, _ in snapshots.tallies(
        records.eyes
    ):
        told = [entered, synced, not_synced, pending, errored]
        if (version, step) in found or _is_sync(world, step):
            if told != found[version, step]:
                yield f"{step} counts {told}, a recount gives {found[version, step]}"
            if entered != synced + not_synced + pending + errored:
                yield f"{step}: entered is not the sum of the others: {told}"


def _is_sync(world: World, step: str) -> bool:
    assert world.graph is not None
    return isinstance(world.graph.steps.get(step), AudienceSync)  # type: ignore[call-overload]


def nobody_is_lost_on_an_arrow(records: Records) -> Iterator[str]:
    """I-04: who came along arrows entered; who entered stands there or left along an arrow."""
    world = records.world
    assert world.graph is not None
    if not world.setting.canvas:
        return
    came: dict[Step, int] = defaultdict(int)
    left: dict[Step, int] = defaultdict(int)
    for version, step, edge, count in snapshots.edges(records.eyes):
        settings = world.graph.steps.get(step)
        left[version, step] += count
        target = world.graph.entry.first if settings is None else settings.edges().get(edge)
        if target is not None and (settings is not None or edge == "entered"):
            came[version, target] += count
    standing: dict[Step, int] = defaultdict(int)
    for _, _, version, step, _, members in snapshots.waves(records.eyes):
        standing[version, step] += len(load(members))
    for version, step, entered, *_, exited in snapshots.tallies(records.eyes):
        if step not in world.graph.steps:
            continue
        place = (version, step)
        if entered != came[place]:
            yield f"{step}: {entered} entered, {came[place]} came along arrows"
        if entered != standing[place] + left[place]:
            yield f"{step}: of {entered}, {standing[place]} stand there and {left[place]} left"
        if exited > left[place]:
            yield f"{step}: {exited} exited, but {left[place]} left"


def nobody_enters_twice(records: Records) -> Iterator[str]:
    """I-05: once a version and step, since each version lets everybody in once."""
    world = records.world
    if not world.setting.canvas:
        return
    seen: dict[Step, PeopleSet] = defaultdict(people)
    for arrival in records.arrivals.values():
        if _is_sync(world, arrival.step):
            here = arrival.members | union(one.members for one in arrival.outcomes)
            twice = seen[arrival.version, arrival.step] & here
            if twice:
                yield f"{list(twice)} came to {arrival.step} twice"
            seen[arrival.version, arrival.step] |= here
    inside: dict[int, PeopleSet] = defaultdict(people)
    for _, _, version, step, _, members in snapshots.waves(records.eyes):
        twice = inside[version] & load(members)
        if twice:
            yield f"{list(twice)} stand at {step} and elsewhere"
        inside[version] |= load(members)


def counted_is_counted(records: Records) -> Iterator[str]:
    """I-06: whoever is counted stays counted so; only pending ends."""
    for number, before in records.was_closed.items():
        now = records.arrivals[number].closed()
        for counter, members in before.items():
            gone = members - now[counter]
            if gone:
                yield f"arrival {number}: {list(gone)} were {counter}, and are not any more"
