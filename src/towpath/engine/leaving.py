"""Leaving: what lets people out of a Canvas before its end. They join its exit set, which bites at
once (store/exit_sets.py); the sweep takes them out of their waves soon after (engine/sweep.py)."""

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from towpath.clock import Instant
from towpath.engine.standing import Standing
from towpath.ids import CanvasId
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import entry_contexts, exit_sets, waves
from towpath.store.database import Db

CRITERIA = "exit criteria"
"""Why they leave: the name of the arrow."""


class Leaver(NamedTuple):
    """Somebody who is to leave the entries that have this key."""

    profile: int
    key: str


def let_out(
    db: Db,
    canvas: CanvasId,
    everywhere: PeopleSet,
    keyed: Collection[Leaver],
    now: Instant,
    standing: Standing,
) -> None:
    """Let people out of the Canvas, as far as they are in it: of all their entries, or of those
    with a key."""
    by_lane: dict[int, PeopleSet] = defaultdict(people)
    if keyed:
        those = people({one.profile for one in keyed})
        for profile, lane, key in entry_contexts.keys(db, canvas, those):
            if Leaver(profile, key) in keyed:
                by_lane[lane].add(profile)
    leaving: dict[int, PeopleSet] = defaultdict(people)
    wanted = union([everywhere, *by_lane.values()])
    found = standing.find(db, waves.places_in(db, canvas), wanted)
    while not found.whole:  # they went on while they were looked for
        found = standing.find(db, waves.places_in(db, canvas), wanted)
    for place, here in found.hits:
        lane = place.stand.lane
        leaving[lane] |= here & (everywhere | by_lane[lane])
    for lane, members in sorted(leaving.items()):
        exit_sets.add(db, canvas, lane, members, CRITERIA, now)
