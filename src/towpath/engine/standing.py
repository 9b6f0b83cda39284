"""Standing: who is in which wave, kept in memory.

What people do, and what lets them out, is asked of all waves of a step or a Canvas, for a few
people at a time and many times a second. Waves change seldom: who is in one is read when it is new
or has changed, and then only the list of waves is read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from towpath.ids import WaveId
from towpath.people.people_set import PeopleSet
from towpath.store import waves
from towpath.store.database import Db
from towpath.store.waves import Place

KEPT_PEOPLE_MAX = 20_000_000
"""The waves of so many people are kept: 40 MB at the most, a few kB when numbers are neighbours."""
KEPT_WAVES_MAX = 100_000
_READ_TOGETHER = 500


class Found(NamedTuple):
    """In which waves people are. `whole`: no wave was gone before it was read."""

    hits: list[tuple[Place, PeopleSet]]
    whole: bool


@dataclass(slots=True)
class Standing:
    """The people of waves, by the wave's id; a wave that has changed bears another mark."""

    _kept: dict[WaveId, tuple[tuple[int, int], PeopleSet]] = field(default_factory=dict)
    _people: int = 0

    def find(self, db: Db, places: Sequence[Place], wanted: PeopleSet) -> Found:
        """Which of `wanted` are in which of these waves, in the order of the waves."""
        hits: list[tuple[Place, PeopleSet]] = []
        whole = True
        if not wanted:
            return Found(hits, whole)
        for start in range(0, len(places), _READ_TOGETHER):
            self._make_room()
            some = places[start : start + _READ_TOGETHER]
            kept = self._kept
            unread = [
                one
                for one in some
                if (known := kept.get(one.id)) is None or known[0] != (one.fence, one.people)
            ]
            read = waves.members_of(db, [one.id for one in unread]) if unread else {}
            self._keep(unread, read)
            whole &= len(read) == len(unread)
            for one in some:
                known = kept.get(one.id)
                if known is not None and (here := known[1] & wanted):
                    hits.append((one, here))
        return Found(hits, whole)

    def _keep(self, unread: Sequence[Place], read: dict[WaveId, PeopleSet]) -> None:
        for one in unread:
            members, before = read.get(one.id), self._kept.pop(one.id, None)
            if before is not None:
                self._people -= len(before[1])
            if members is not None:  # if it has changed since the list was read: read it again then
                self._kept[one.id] = (one.fence, one.people), members
                self._people += len(members)

    def _make_room(self) -> None:
        if self._people > KEPT_PEOPLE_MAX or len(self._kept) > KEPT_WAVES_MAX:
            self._kept.clear()
            self._people = 0
