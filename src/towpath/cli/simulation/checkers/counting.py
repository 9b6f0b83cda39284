"""Counting: I-01 to I-06, from the rows of arrivals, outcomes, waves and tallies."""

from collections import defaultdict
from collections.abc import Iterator

from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.cli.simulation.places import Step
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.rows import ArrivalRow
from towpath.cli.simulation.world import World
from towpath.ids import StepId, VersionId
from towpath.people.people_set import PeopleSet, people, union


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
    places = records.places
    for spot, members in places.standing.items():
        if is_sync(world, spot.version, spot.step):
            for index in (0, 3):
                found[spot[:2]][index] += len(members)
    for at, said in places.counted.items():
        told = [said.entered, said.synced, said.not_synced, said.pending, said.errored]
        if at in found or is_sync(world, *at):
            if told != found[at]:
                yield f"{at[1]} counts {told}, a recount gives {found[at]}"
            if said.entered != said.synced + said.not_synced + said.pending + said.errored:
                yield f"{at[1]}: entered is not the sum of the others: {told}"


def is_sync(world: World, version: VersionId, step: StepId) -> bool:
    """Is it an Audience Sync step of the version?"""
    return isinstance(world.graphs[version].steps.get(step), AudienceSync)


def nobody_enters_twice(records: Records) -> Iterator[str]:
    """I-05: once a version and step, where each version lets everybody in once."""
    world = records.world
    if world.setting.journey or not world.setting.canvas:
        return
    seen: dict[Step, PeopleSet] = defaultdict(people)
    for arrival in records.arrivals.values():
        if is_sync(world, arrival.version, arrival.step):
            here = arrival.members | union(one.members for one in arrival.outcomes)
            twice = seen[arrival.version, arrival.step] & here
            if twice:
                yield f"{list(twice)} came to {arrival.step} twice"
            seen[arrival.version, arrival.step] |= here


def counted_is_counted(records: Records) -> Iterator[str]:
    """I-06: whoever is counted stays counted so; only pending ends."""
    for number, before in records.was_closed.items():
        now = records.arrivals[number].closed()
        for counter, members in before.items():
            gone = members - now[counter]
            if gone:
                yield f"arrival {number}: {list(gone)} were {counter}, and are not any more"
