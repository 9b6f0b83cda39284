"""Converting: who converts, beside a model that keeps every entry and conversion of everybody."""

from collections import defaultdict
from datetime import timedelta
from random import Random

import pytest
from tests.engine.crowd import crowd

from towpath.canvas.admission import Refused
from towpath.clock import Instant, seconds
from towpath.engine.admission import ENTRY, Doorkeeper, Round
from towpath.engine.converting import Converting
from towpath.people.people_set import people
from towpath.store import audit, canvases, conversions, tallies
from towpath.store.conversions import Count
from towpath.store.database import Db
from towpath.store.intakes import Seen

PURCHASE = 1
WITHIN = timedelta(hours=5)
GOALS = """
canvas: Goals
entry: {at: "2099-01-01T00:00:00Z", first: wait, reentry: always, control: "CONTROL"}
conversions: [{purchase: shoe, within: 5h}, {purchase: any, within: 5h}]
steps:
  wait: {kind: delay, for: 20d}
"""


@pytest.mark.parametrize("control", ["0%", "50%"])
@pytest.mark.parametrize("seed", range(3))
def test_once_for_a_goal_and_an_entry(db: Db, now: Instant, seed: int, control: str) -> None:
    told = crowd(db, now, 40, GOALS.replace("CONTROL", control))
    version = canvases.version(db, told.version)
    chance, at, converting = Random(seed), now, Converting()
    entered: dict[int, Instant] = {}
    reached: dict[tuple[int, int], Instant] = {}
    expected: dict[tuple[int, bool], int] = defaultdict(int)
    held_back: set[int] = set()
    for _ in range(40):
        at += chance.choice((seconds(1), seconds(70), timedelta(hours=1), timedelta(hours=3)))
        at = at.replace(microsecond=0)
        if chance.random() < 0.4:
            who = people(chance.sample(range(40), 9))
            with db.transaction():
                keeper = Doorkeeper(db, version, at)
                keeper.let_in([Round(who)])
                keeper.close()
            held_back |= set(who) - set(keeper.entered)
            entered |= dict.fromkeys(who, at)
            continue
        at += seconds(1)
        late = chance.choice((seconds(0), seconds(0), timedelta(hours=1)))
        happened = at - late if not late else (at - late).replace(second=0)
        batch: list[Seen] = []
        for who in chance.sample(range(40), 12):
            name = chance.choice(("shoe", "hat"))
            batch.append(Seen(len(batch), PURCHASE, name, who, happened, at, {}))
            came = entered.get(who)
            for goal in (0, 1) if name == "shoe" else (1,):
                counts = came is not None and happened - WITHIN < came <= happened
                if counts and reached.get((who, goal)) != came:
                    assert came is not None
                    reached[who, goal] = came
                    expected[goal, who in held_back] += 1
        with db.transaction():
            converting(db, told.workspace, batch, at)
    counted = [Count(goal, ctl, people) for (goal, ctl), people in sorted(expected.items())]
    assert conversions.counts(db, told.version) == counted
    assert sum(one.people for one in counted) > 30
    edges = tallies.read_edges(db, told.version)
    assert (edges.get((ENTRY, f"refused: {Refused.CONTROL}"), 0) > 0) is bool(held_back)
    assert audit.run(db) == []
