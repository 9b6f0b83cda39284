"""Acting: what people do at action paths moves them, each entry once, and every sum holds."""

from datetime import timedelta
from random import Random

import pytest
from tests.engine.crowd import Crowd, crowd

from towpath.clock import Instant, seconds
from towpath.engine import standing
from towpath.engine.acting import Acting
from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.engine.sweep import Sweep
from towpath.ledger.windows import Windows
from towpath.people.people_set import people
from towpath.store import audit, exit_sets, taken, tallies, waves
from towpath.store.database import Db
from towpath.store.intakes import Seen
from towpath.store.tallies import Change

EVENT, PURCHASE = 0, 1
WAIT = """
canvas: Wait
entry: {at: launch, first: act, reentry: always}
steps:
  act:
    kind: action_paths
    paths:
      - {name: bought, on: [{purchase: any}], next: later}
      - {name: viewed, on: [{event: view, where: {attribute: page, is: home}}], next: later}
      - {name: gone, on: [{event: bye}]}
    else: end
    within: 1h
    ranked: RANKED
  later: {kind: delay, for: 1d, next: end}
  end: {kind: exit}
"""
HOUR = timedelta(hours=1, minutes=1)


def entered(db: Db, now: Instant, count: int, *, ranked: bool = False) -> Crowd:
    """A crowd that waits at the action paths."""
    told = crowd(db, now, count, WAIT.replace("RANKED", str(ranked).lower()))
    Entrance(db).tick(now)
    return told


def walk(told: Crowd, now: Instant) -> None:
    advance = Advance(told.db, Windows())
    while advance.tick(now):
        pass


def did(told: Crowd, now: Instant, *events: tuple[int, str, int], **properties: object) -> int:
    """These things (kind, name, who) happen at `now`."""
    batch = [
        Seen(place, kind, name, who, now, now, dict(properties))
        for place, (kind, name, who) in enumerate(events)
    ]
    with told.db.transaction():
        return Acting()(told.db, told.workspace, batch, now)


def along(told: Crowd) -> dict[str, int]:
    return {
        edge: people
        for (step, edge), people in tallies.read_edges(told.db, told.version).items()
        if step == "act"
    }


def test_the_first_action_moves_at_once(db: Db, now: Instant) -> None:
    told = entered(db, now, 100)
    later = now + seconds(10)
    assert did(told, later, (EVENT, "view", 3), (PURCHASE, "shoe", 4), page="home") == 2
    assert did(told, later, (EVENT, "view", 5), page="other") == 0
    assert did(told, later, (PURCHASE, "hat", 3)) == 0, "who has gone on does not go twice"
    assert waves.standing(db, told.version) == {"act": 98, "later": 2}
    assert told.counters("act") == Change(entered=100, advanced=2)
    assert told.counters("later").entered == 2
    assert audit.run(db) == []
    walk(told, now + HOUR)
    assert along(told) == {"viewed": 1, "bought": 1, "else": 98}
    assert told.counters("end").exited == 98
    assert waves.standing(db, told.version) == {"later": 2}
    assert db.execute("select count(*) from taken").fetchone() == (0,)
    assert audit.run(db) == []


def test_a_path_that_leads_nowhere_leads_out(db: Db, now: Instant) -> None:
    told = entered(db, now, 10)
    did(told, now + seconds(1), (EVENT, "bye", 7))
    assert told.counters("act") == Change(entered=10, exited=1)
    assert waves.standing(db, told.version) == {"act": 9}
    assert audit.run(db) == []


def test_what_happened_before_somebody_came_does_not_count(db: Db, now: Instant) -> None:
    told = entered(db, now, 10)
    assert did(told, now - seconds(5), (PURCHASE, "shoe", 1)) == 0
    assert did(told, now + seconds(5), (PURCHASE, "shoe", 1)) == 1


def test_a_ranked_step_keeps_the_best_until_the_window_ends(db: Db, now: Instant) -> None:
    told = entered(db, now, 10, ranked=True)
    at = now + seconds(5)
    did(told, at, (EVENT, "view", 1), (EVENT, "view", 2), (EVENT, "bye", 3), page="home")
    did(told, at, (PURCHASE, "shoe", 1), (EVENT, "bye", 2))
    assert waves.standing(db, told.version) == {"act": 10}
    assert audit.run(db) == []
    walk(told, now + HOUR)
    assert along(told) == {"bought": 1, "viewed": 1, "gone": 1, "else": 7}
    assert db.execute("select count(*) from taken").fetchone() == (0,)
    assert audit.run(db) == []


@pytest.mark.parametrize("ranked", [False, True])
def test_of_several_entries_one_event_moves_the_oldest_only(
    db: Db, now: Instant, *, ranked: bool
) -> None:
    told = entered(db, now, 5, ranked=ranked)
    second = now + seconds(120)
    waves.write(db, told.stand("act", 1), people([2]), second, second + HOUR)
    assert did(told, second + seconds(1), (PURCHASE, "shoe", 2)) == (2 if ranked else 1)
    if not ranked:
        assert taken.gone(db, told.stand("act")) == people([2])
        assert not taken.gone(db, told.stand("act", 1))
        assert did(told, second + seconds(2), (PURCHASE, "shoe", 2)) == 1
        assert taken.gone(db, told.stand("act", 1)) == people([2])


def test_two_events_in_one_batch_move_two_entries(db: Db, now: Instant) -> None:
    told = entered(db, now, 5)
    waves.write(db, told.stand("act", 1), people([2]), now, now + HOUR)
    at = now + seconds(9)
    assert did(told, at, (PURCHASE, "shoe", 2), (PURCHASE, "hat", 2), (PURCHASE, "cap", 2)) == 2


def test_who_is_to_leave_does_not_go_on(db: Db, now: Instant) -> None:
    told = entered(db, now, 5)
    exit_sets.add(db, told.canvas, 0, people([1, 4]), "exit criteria", now)
    assert did(told, now + seconds(1), (PURCHASE, "shoe", 1), (PURCHASE, "shoe", 2)) == 1
    walk(told, now + HOUR)
    assert along(told) == {"bought": 1, "exited: exit criteria": 2, "else": 2}
    assert audit.run(db) == []


def test_whoever_went_on_is_not_moved_again_by_a_claim_made_before(db: Db, now: Instant) -> None:
    """The window ends while the event is on its way: one of the two moves them, never both."""
    told = entered(db, now, 5)
    late = now + HOUR
    advance = Advance(db, Windows())
    claimed = advance.claim(late)
    assert claimed is not None
    assert did(told, late, (PURCHASE, "shoe", 1)) == 1
    assert advance.move(claimed, late)
    assert along(told) == {"bought": 1, "else": 4}
    assert did(told, late, (PURCHASE, "shoe", 2)) == 0
    assert audit.run(db) == []


def test_many_events_at_random_lose_nobody(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I-04 after every batch, with rows folded and waves small."""
    monkeypatch.setattr(taken, "SMALL_ROWS_MAX", 3)
    monkeypatch.setattr(standing, "KEPT_WAVES_MAX", 2)
    told = entered(db, now, 300)
    chance = Random(5)
    listener = Acting()
    sweep = Sweep(db, Windows())
    at = now
    for _ in range(25):
        at += seconds(60)
        names = [(PURCHASE, "shoe"), (EVENT, "view"), (EVENT, "bye")]
        batch = []
        for place in range(12):
            kind, name = chance.choice(names)
            who = chance.randrange(300)
            batch.append(Seen(place, kind, name, who, at, at, {"page": "home"}))
        with db.transaction():
            listener(db, told.workspace, batch, at)
        if chance.random() < 0.2:
            exit_sets.add(db, told.canvas, 0, people([chance.randrange(300)]), "left", at)
        walk(told, at)
        while chance.random() < 0.9 and sweep.tick(at):
            pass
        assert (
            told.standing() + sum(one.exited for one in tallies.read(db, told.version).values())
            == 300
        )
        assert audit.run(db) == []
    walk(told, at + timedelta(days=3))
    assert told.standing() == 0
    assert audit.run(db) == []
