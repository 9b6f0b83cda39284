"""Rules of the walk, switched off: entering, moving, editing, calling, leaving for good.

Each names the checker that must notice it, which looks alone (broken_rules.py).
"""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from tests.simulator.broken_rules import Patch, _wrap, broken

from towpath.engine import advance, webhooks
from towpath.engine.admission import Doorkeeper
from towpath.engine.moves import Moves
from towpath.engine.steps.audience_sync import AudienceSyncKind
from towpath.engine.steps.protocol import STAYS
from towpath.people.people_set import people
from towpath.store import (
    canvases,
    entries,
    intakes,
    ledgers,
    merges,
    publishing,
    stray_keys,
    taken,
    waves,
)

# Moving.


@broken(0, 2, 6, by="I-04")
def arrows_are_not_counted(patch: Patch) -> None:
    patch.setattr(Moves, "along", lambda *_: None)


@broken(56, 86, 111, by="I-04, journey")
def who_is_let_out_is_not_counted(patch: Patch) -> None:
    patch.setattr(Moves, "out", lambda self, step, edge, some: self.along(step, edge, some))


@broken(56, 86, 171, by="I-05, lanes")
def everybody_takes_the_first_lane(patch: Patch) -> None:
    patch.setattr(Doorkeeper, "_may_stand", lambda _: False)


@broken(86, 152, 345, by="I-05, lanes")
def who_went_on_is_still_in_the_wave(patch: Patch) -> None:
    patch.setattr(taken, "gone", lambda *_: people())


@broken(0, 2, 6, by="I-11")
def people_wait_for_the_answer(patch: Patch) -> None:
    _wrap(patch, AudienceSyncKind, "perform", lambda usual, *given: [
        replace(one, edge=STAYS) for one in usual(*given)])  # fmt: skip


@broken(2, 56, 77, by="I-12")
def whoever_is_synced_exits(patch: Patch) -> None:
    def leave(usual: Any, graph: Any, step: Any, _target: Any, *rest: Any) -> None:
        usual(graph, step, None, *rest)

    _wrap(patch, advance, "count_leaving", leave)


# Entering.


@broken(77, 86, 152, by="I-13")
def people_enter_again_at_once(patch: Patch) -> None:
    patch.setattr(Doorkeeper, "_recent", lambda *_: people())


@broken(612, 3582, 3841, by="I-13")
def a_key_lets_in_twice(patch: Patch) -> None:
    patch.setattr(entries, "keys", lambda *_: {})


@broken(331, 799, by="I-13")
def entries_of_the_absorbed_do_not_count(patch: Patch) -> None:
    patch.setattr(merges, "as_one", lambda _db, members, ask: ask(members))


@broken(2, 231, by="I-13, cause")
def events_are_read_again(patch: Patch) -> None:
    patch.setattr(intakes, "move", lambda *_: None)


@broken(116, 388, 435, by="I-13, limits")
def there_is_always_room(patch: Patch) -> None:
    patch.setattr(Doorkeeper, "_room_left", lambda _: None)


@broken(0, 2, 6, by="I-14")
def a_launch_lets_in_twice(patch: Patch) -> None:
    patch.setattr(canvases, "mark_entered", lambda *_: True)


@broken(0, 2, 23, by="I-14")
def a_double_click_launches_twice(patch: Patch) -> None:
    patch.setattr(canvases, "check_state", lambda *_: None)


# Editing, pausing, stopping.


@broken(2, 77, 86, by="I-17, edit")
def an_edit_leaves_people_in_the_old_version(patch: Patch) -> None:
    patch.setattr(publishing, "_hand_over", lambda *_: None)


@broken(2, 77, 86, by="I-17, edit")
def an_edit_begins_delays_anew(patch: Patch) -> None:
    _later(patch, "hand_over_waves", b"version = %(new)s", b", due_at = due_at + interval '1 min'")


@broken(86, 128, 292, by="I-17, gone")
def a_step_that_is_gone_performs(patch: Patch) -> None:
    _wrap(patch, waves, "aside", lambda usual, *given: replace(usual(*given), redirect=None))


@broken(612, 878, by="I-17, pause")
def a_pause_holds_nobody(patch: Patch) -> None:
    _whatever_the_state(patch)
    found = waves._SQL._found
    others = found["claim_waves"].replace(
        b"'running', 'stopped'", b"'running', 'stopped', 'paused'"
    )
    patch.setitem(found, "claim_waves", others)


@broken(116, 174, 194, by="I-17, stop")
def a_stop_stops_nobody(patch: Patch) -> None:
    _whatever_the_state(patch)

    def claim(usual: Any, *given: Any) -> Any:
        found = usual(*given)
        return found and replace(found, stopped=False)

    _wrap(patch, waves, "claim", claim)


def _whatever_the_state(patch: Patch) -> None:
    found = waves._SQL._found
    before, _, after = found["hold_waves"].partition(b"where c.state")
    any_state = b"where %(stopped)s is not null order by" + after.partition(b"order by")[2]
    patch.setitem(found, "hold_waves", before + any_state)


def _later(patch: Patch, name: str, after: bytes, more: bytes) -> None:
    found = publishing._SQL._found
    patch.setitem(found, name, found[name].replace(after, after + more))


# Calling, leaving for good, and the pace.


@broken(77, 179, 479, by="calls, keys")
def each_try_has_a_key_of_its_own(patch: Patch) -> None:
    tries = count()
    patch.setattr(webhooks, "_key", lambda *_: f"{next(tries):032}")


@broken(2, 77, 128, by="calls, settled")
def what_was_answered_is_forgotten(patch: Patch) -> None:
    patch.setattr(webhooks.Webhooks, "settle", lambda *_: True)


@broken(174, 329, 348, by="erased")
def the_deleted_stay_in_audiences(patch: Patch) -> None:
    patch.setattr(stray_keys, "turn_all", lambda *_: None)


@broken(2, 6, 23, by="I-41")
def the_flush_comes_late(patch: Patch) -> None:
    _wrap(patch, ledgers.Ledger, "due", lambda usual, ledger, now, span: (
        usual(ledger, now, span + timedelta(seconds=3))))  # fmt: skip
