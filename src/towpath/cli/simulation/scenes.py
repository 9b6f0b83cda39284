"""Happenings in a row that luck alone would seldom bring together, each shown by a broken rule.

A scene is played among all else that goes on: workers are as they are, and TikTok may be moody.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from towpath.cli.simulation.setting import EMAIL, FAULTS, PHONE
from towpath.limits import WAVE_LEASE_S
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people

if TYPE_CHECKING:
    from towpath.cli.simulation.story import Story

ADD, REMOVE = Action.ADD, Action.REMOVE
A_FLUSH = timedelta(seconds=6)
Scene = Callable[["Story"], str]


def the_token_dies(story: "Story") -> str:
    """The token is revoked while people wait; probes are refused until it lives again."""
    world = story.world
    grant = world.sandbox.world.grants[world.token]
    world.door.reachable = True
    story.arrive_at(ADD, world.everybody)
    grant.alive = False
    for _ in range(3):
        _go(story)
    for _ in range(2):
        story.pass_time(timedelta(seconds=61))
        story.happen(story.probe)
        _go(story)
        grant.alive = True
    return "the token lives again"


def a_key_is_refused(story: "Story") -> str:
    """TikTok refuses one key for good: halving finds it."""
    world = story.world
    keys = sorted(world.keys_of(world.granted, (EMAIL, PHONE)) - world.sharing.keys())
    if not keys:
        return ""
    world.door.bad_keys.add(world.chance.choice(keys))
    story.arrive_at(ADD, world.everybody)
    for _ in range(4):
        _go(story)
        story.pass_time(world.setting.windows.retry_first * 2)
    return "a key was refused"


def a_change_of_mind(story: "Story") -> str:
    """In, out while that one flies, in again, and the removal never leaves."""
    world = story.world
    some = _some(story, 3)
    audience = world.audiences[0]
    story.arrive_at(ADD, some, audience)
    _go(story)
    story.arrive_at(REMOVE, some, audience)
    story.pass_time(A_FLUSH)
    story.happen(story.claim)
    story.arrive_at(ADD, some, audience)
    before, world.door.reachable = world.door.reachable, False
    for deed in (story.load, story.load, story.send, story.send, story.land, story.settle):
        story.happen(deed)
    world.door.reachable = before
    return "minds were changed"


def one_field_after_the_other(story: "Story") -> str:
    """By e-mail, and then by phone too."""
    some, audience = _some(story, 3), story.world.audiences[0]
    story.arrive_at(ADD, some, audience, (EMAIL,))
    _go(story)
    story.arrive_at(ADD, some, audience, (EMAIL, PHONE))
    return "the phone is asked for too"


def a_shared_key_changes_hands(story: "Story") -> str:
    """One brings a key in; the other holds it when the first leaves, and then leaves too."""
    pair = _sharers(story)
    if pair is None:
        return ""
    name, first, second = pair
    audience = story.world.audiences[0]
    story.arrive_at(ADD, first, audience, (name,))
    _go(story)
    story.arrive_at(ADD, second, audience, (name,))
    story.arrive_at(REMOVE, first, audience, (name,))
    story.arrive_at(REMOVE, second, audience, (name,))
    _go(story)
    return "a shared key changed hands"


def sharers_fly_apart(story: "Story") -> str:
    """Two who share a key fly at once, by different fields, when both are to be removed."""
    pair = _sharers(story)
    if pair is None:
        return ""
    name, first, second = pair
    audience = story.world.audiences[0]
    other = PHONE if name is EMAIL else EMAIL
    story.arrive_at(ADD, second, audience, (other,))
    story.arrive_at(ADD, first, audience, (name,))
    story.pass_time(A_FLUSH)
    for _ in range(2):
        story.happen(story.claim)
    story.arrive_at(REMOVE, first | second, audience, (name,))
    for deed in (story.load, story.send, story.land, story.settle):
        story.happen(deed)
    return "sharers flew apart"


def a_removal_is_lost(story: "Story") -> str:
    """Who is in is removed, nobody knows whether, and added again."""
    world, some = story.world, _some(story, 3)
    audience = world.audiences[0]
    story.arrive_at(ADD, some, audience)
    _go(story)
    story.arrive_at(REMOVE, some, audience)
    story.pass_time(A_FLUSH)
    world.sandbox.next_faults(
        world.chance.choice([["502_late"], ["hang_applied"], ["500_dropped"]])
    )
    story.happen(story.round_trip)
    story.pass_time(world.setting.windows.request_deadline)
    for deed in (story.land, story.settle):
        story.happen(deed)
    story.arrive_at(ADD, some, audience)
    return "a removal was lost"


def a_parade_of_faults(story: "Story") -> str:
    """Ten kinds of fault, one after the other."""
    world = story.world
    names = world.chance.sample(list(FAULTS), 10)
    world.sandbox.next_faults(names)
    for action in (ADD, REMOVE):
        story.arrive_at(action, world.everybody)
        for _ in range(3):
            _go(story)
    return "a parade of faults"


def a_worker_sleeps_on_a_wave(story: "Story") -> str:
    """Beyond its lease: another moves the wave, and the sleeper must not."""
    world = story.world
    story.happen(story.enter)
    claimed = story.workers[0].advance.claim(world.now)
    if claimed is None:
        return ""
    story.told(f"{story.workers[0].name} claims a wave, and sleeps")
    story.pass_time(timedelta(seconds=WAVE_LEASE_S + 1))
    again = story.workers[-1].advance.claim(world.now)
    if again is not None:
        story.workers[-1].advance.move(again, world.now)
        story.told(f"{story.workers[-1].name} moves it")
    moved = story.workers[0].advance.move(claimed, world.now)
    world.hits["wave moved late" if moved else "wave was fenced off"] += 1
    return f"the sleeper wakes: {'moved' if moved else 'fenced off'}"


def _go(story: "Story") -> None:
    """After a flush, all workers claim, send and settle, as far as answers come soon."""
    story.pass_time(A_FLUSH)
    for _ in range(2):
        for worker in story.workers:
            story.told(story.claim_by(worker))
            story.carry_all(worker)


def _some(story: "Story", most: int) -> PeopleSet:
    world = story.world
    there = list(world.granted) or list(world.everybody)
    return people(world.chance.sample(there, min(most, len(there))))


def _sharers(story: "Story") -> tuple[MatchField, PeopleSet, PeopleSet] | None:
    world = story.world
    keys = [key for key in sorted(world.sharing) if not world.holders(key) - world.granted]
    if not keys:
        return None
    key = world.chance.choice(keys)
    first, second = list(world.sharing[key])[:2]
    return key[0], people([first]), people([second])


SCENES: tuple[Scene, ...] = (
    the_token_dies,
    a_key_is_refused,
    a_change_of_mind,
    one_field_after_the_other,
    a_shared_key_changes_hands,
    sharers_fly_apart,
    a_removal_is_lost,
    a_parade_of_faults,
)
