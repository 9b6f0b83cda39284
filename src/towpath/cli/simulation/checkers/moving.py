"""Moving: nobody is lost on an arrow, stands twice, waits for TikTok, or exits where more follows.

I-04, I-05, I-11 and I-12, of every version of the Canvas; what its steps do is not asked here.
"""

from collections import defaultdict
from collections.abc import Iterator

from towpath.cli.simulation.checkers.counting import is_sync
from towpath.cli.simulation.places import Places, Spot, Step
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.world import World
from towpath.engine.admission import ENTRY
from towpath.engine.advance import REDIRECTED
from towpath.ids import VersionId
from towpath.people.people_set import PeopleSet, people, union
from towpath.store.publishing import PUBLISHED_IN, PUBLISHED_OUT


def nobody_is_lost_on_an_arrow(records: Records) -> Iterator[str]:
    """I-04: who came along arrows entered; who entered stands there, or left along an arrow."""
    world, places = records.world, records.places
    came = _came(world, places)
    for place, said in places.counted.items():
        version, step = place
        if step not in world.graphs[version].steps:
            continue
        left = places.left(place)
        gone = sum(left.values()) - left.get(PUBLISHED_OUT, 0)
        if said.entered != came[place] - left.get(PUBLISHED_OUT, 0):
            yield f"{step} of {version}: {said.entered} entered, {came[place]} came along arrows"
        if said.entered != places.here(place) + gone:
            here = places.here(place)
            yield f"{step} of {version}: of {said.entered}, {here} stand there and {gone} left"


def _came(world: World, places: Places) -> dict[Step, int]:
    came: dict[Step, int] = defaultdict(int)
    for (version, step, edge), count in places.arrows.items():
        graph = world.graphs[version]
        if step == PUBLISHED_IN:
            came[version, edge] += count  # type: ignore[index]
        elif step == ENTRY:
            if edge == "entered" and graph.entry.first is not None:
                came[version, graph.entry.first] += count
        elif (target := graph.steps[step].edges().get(edge)) is not None:
            came[version, target] += count
    return came


def a_journey_adds_up(records: Records) -> Iterator[str]:
    """I-04: of each version, entered and published in, less published out, stand or exited."""
    places = records.places
    entered: dict[VersionId, int] = defaultdict(int)
    for entry in places.entries:
        entered[entry.version] += len(entry.members)
    moved_in = moved_out = 0
    for version in records.world.graphs:
        arrows = {(s, e): n for (v, s, e), n in places.arrows.items() if v == version}
        come = sum(count for (step, _), count in arrows.items() if step == PUBLISHED_IN)
        gone = sum(n for (_, edge), n in arrows.items() if edge in (PUBLISHED_OUT, REDIRECTED))
        here = sum(len(them) for spot, them in places.standing.items() if spot.version == version)
        out = sum(said.exited for (v, _), said in places.counted.items() if v == version)
        if entered[version] != arrows.get((ENTRY, "entered"), 0):
            yield f"version {version}: {entered[version]} entered, counted otherwise"
        if entered[version] + come - gone != here + out:
            told = f"{entered[version]} entered, {come} came and {gone} went by publishing"
            yield f"version {version}: {told}; {here} stand in it and {out} exited"
        moved_in, moved_out = moved_in + come, moved_out + gone
    if moved_in != moved_out:
        yield f"{moved_out} went to a newer version, and {moved_in} came there"


def nobody_stands_twice(records: Records) -> Iterator[str]:
    """I-05: a lane holds a person once, who entered it; whoever was taken is in a wave still."""
    places = records.places
    entered: dict[int, PeopleSet] = defaultdict(people)
    for entry in places.entries:
        entered[entry.lane] |= entry.members
    lanes: dict[int, PeopleSet] = defaultdict(people)
    held: dict[Spot, list[PeopleSet]] = defaultdict(list)
    for wave in places.waves:
        held[wave.spot].append(wave.members)
    for spot, here in places.standing.items():
        if twice := lanes[spot.lane] & here:
            yield f"{list(twice)} stand at {spot.step} and elsewhere in lane {spot.lane}"
        if strange := here - entered[spot.lane]:
            yield f"{list(strange)} stand in lane {spot.lane}, which they never entered"
        lanes[spot.lane] |= here
    for spot, waves in held.items():
        if sum(map(len, waves)) != len(union(waves)):
            yield f"somebody is in two waves at {spot.step} in lane {spot.lane}"
    for spot, went in places.taken.items():
        if odd := went - union(held[spot]):
            yield f"{list(odd)} were taken from waves at {spot.step} that do not hold them"


def advancing_waits_for_nobody(records: Records) -> Iterator[str]:
    """I-11: whoever came into the ledger has left the step; whatever TikTok answers."""
    world, places = records.world, records.places
    come: dict[Step, int] = defaultdict(int)
    for arrival in records.arrivals.values():
        come[arrival.version, arrival.step] += arrival.counts[0]
    for place in places.counted:
        if not is_sync(world, *place):
            continue
        left = places.left(place)
        gone = sum(left.values()) - left.get(PUBLISHED_OUT, 0)
        if come[place] != gone:
            yield f"{place[1]}: {come[place]} are in the ledger, and {gone} went on"


def exits_are_where_nothing_follows(records: Records) -> Iterator[str]:
    """I-12: exited counts only where an arrow leads out, or the Canvas lets people out."""
    world, places = records.world, records.places
    for place, said in places.counted.items():
        version, step = place
        graph = world.graphs[version]
        if step not in graph.steps:
            continue
        ways = graph.steps[step].edges()
        moved = (PUBLISHED_OUT, REDIRECTED)
        left = places.left(place)
        out = sum(n for edge, n in left.items() if ways.get(edge) is None and edge not in moved)
        if said.exited != out:
            yield f"{step} of {version}: {said.exited} exited, and {out} went where nothing follows"
        if is_sync(world, *place) and said.advanced > said.entered:
            yield f"{step} of {version}: more advanced than entered"
