"""Every rule that is built, switched off: the simulator must notice each of them.

A rule is switched off by replacing what the engine, the ledger or the store takes for it; nothing
in Towpath itself knows of this. `seeds` are some in which it shows at once. Rules of the ledger may
be noticed by anybody; those of the walk by the one checker that is named, which looks alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from towpath.clock import Instant
from towpath.engine import claim, courier, deadlines, sender, settle, shared_keys
from towpath.engine.steps import audience_sync
from towpath.ledger import arrivals, events
from towpath.ledger.due import Group
from towpath.ledger.events import Settled, Settling
from towpath.ledger.sharing import Turns
from towpath.ledger.state import LedgerState
from towpath.ledger.windows import Windows
from towpath.partners.protocol import AnswerKind
from towpath.partners.tiktok import replies
from towpath.people.action import Action
from towpath.people.people_set import people, union
from towpath.store import ledgers, permits, requests, waves

ADD, REMOVE = Action.ADD, Action.REMOVE
BROKEN: dict[str, "Broken"] = {}
Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Broken:
    """How a rule is switched off, and where that shows at once."""

    switch_off: Callable[[Patch], None]
    seeds: tuple[int, ...]
    by: str = ""
    """The checker that must notice it."""


def broken(
    *seeds: int, by: str = ""
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Put a rule's switch into the list, under its own name."""

    def keep(switch: Callable[[Patch], None]) -> Callable[[Patch], None]:
        BROKEN[switch.__name__] = Broken(switch, seeds, by)
        return switch

    return keep


def _wrap(patch: Patch, place: Any, name: str, other: Callable[..., Any]) -> None:
    """Replace a function by `other`, which gets the old one first."""
    usual = getattr(place, name)
    patch.setattr(place, name, lambda *given, **named: other(usual, *given, **named))


# Rules 1 and 2: windows.


@broken(8, 13)
def removals_are_not_repeated_after_an_adds_window(patch: Patch) -> None:
    _wrap(patch, settle, "find_resends", lambda usual, applied, *rest: (
        [] if applied.action is REMOVE else usual(applied, *rest)))  # fmt: skip


@broken(7, 8, 13)
def adds_are_not_repeated_after_a_removals_window(patch: Patch) -> None:
    _wrap(patch, settle, "find_resends", lambda usual, applied, *rest: (
        [] if applied.action is ADD else usual(applied, *rest)))  # fmt: skip


@broken(0, 2, 6)
def repeats_do_not_wait_for_the_windows_end(patch: Patch) -> None:
    _wrap(patch, settle, "find_resends", lambda usual, applied, *rest: [
        replace(one, due_at=applied.end) for one in usual(applied, *rest)])  # fmt: skip


@broken(201, 249)
def a_shared_key_has_no_windows_of_its_own(patch: Patch) -> None:
    _wrap(patch, settle, "find_resends", lambda usual, applied, _keys, *rest: (
        usual(applied, [], *rest)))  # fmt: skip


@broken(3, 6, 7)
def nothing_is_accepted_after_the_lease(patch: Patch) -> None:
    def end(self: Windows, settling: Settling, lease: Instant, at: Instant) -> Instant | None:
        return usual(self, settling, min(lease, at) - self.acceptance, at)

    usual = Windows.end
    patch.setattr(Windows, "end", end)


@broken(0, 1, 2)
def what_is_accepted_is_applied(patch: Patch) -> None:
    def end(self: Windows, settling: Settling, lease: Instant, at: Instant) -> Instant | None:
        found = usual(self, settling, lease, at)
        return found and found - self.processing

    usual = Windows.end
    patch.setattr(Windows, "end", end)


def _settles_unknown(patch: Patch, action: Action, instead: Settling) -> None:
    def settled(usual: Any, state: LedgerState, event: Settled) -> None:
        if event.action is action and event.settling is Settling.UNKNOWN:
            event = replace(event, settling=instead)
        usual(state, event)

    _wrap(patch, events, "_settled", settled)


@broken(3, 7, 11)
def an_unknown_add_changes_nothing(patch: Patch) -> None:
    _settles_unknown(patch, ADD, Settling.REFUSED)


@broken(3, 6, 7)
def an_unknown_add_is_believed(patch: Patch) -> None:
    _settles_unknown(patch, ADD, Settling.APPLIED)


@broken(3, 13)
def an_unknown_removal_changes_nothing(patch: Patch) -> None:
    _settles_unknown(patch, REMOVE, Settling.REFUSED)


@broken(3, 6, 7)
def an_unknown_removal_is_believed(patch: Patch) -> None:
    _settles_unknown(patch, REMOVE, Settling.APPLIED)


@broken(3, 7, 8)
def a_5xx_or_a_broken_body_is_a_refusal(patch: Patch) -> None:
    def read(usual: Any, reply: Any) -> Any:
        answer = usual(reply)
        unknown = answer.kind is AnswerKind.UNKNOWN
        return replace(answer, kind=AnswerKind.REFUSED) if unknown else answer

    _wrap(patch, replies, "read_mapping", read)


# Rules 3 and 4: backing off, late answers.


@broken(3, 6, 7)
def backing_off_holds_nobody(patch: Patch) -> None:
    patch.setattr(requests, "held", lambda *_: {action: people() for action in Action})


@broken(7, 45)
def backing_off_holds_the_contrary_action_too(patch: Patch) -> None:
    def held(usual: Any, *given: Any) -> Any:
        found = usual(*given)
        return dict.fromkeys(Action, union(found.values()))

    _wrap(patch, requests, "held", held)


@broken(12, 16)
def a_late_answer_counts(patch: Patch) -> None:
    found = requests._SQL._found  # the named statements
    late = found["read_to_settle"].replace(b"and state = 'in flight'", b"")
    patch.setitem(found, "read_to_settle", late)


@broken(3, 5, 6)
def a_request_may_leave_at_any_time(patch: Patch) -> None:
    patch.setattr(courier, "in_time", lambda *_: True)


# In flight, claims and keys.


@broken(0, 2, 5)
def whoever_is_in_flight_is_claimed_again(patch: Patch) -> None:
    patch.setattr(claim._Draft, "busy", lambda self, action: self.held[action])


@broken(1, 3, 6)
def two_requests_carry_a_key(patch: Patch) -> None:
    patch.setattr(shared_keys, "turns", lambda _keys, members, _flying: Turns(go=members.copy()))


@broken(1, 3)
def a_claim_is_not_committed(patch: Patch) -> None:
    def forget(usual: Any, db: Any, *given: Any) -> Any:
        with db.transaction(force_rollback=True):
            return usual(db, *given)

    _wrap(patch, sender, "claim", forget)


@broken(3, 4, 6)
def a_retry_replays_its_people(patch: Patch) -> None:
    def groups(usual: Any, state: LedgerState, action: Action, busy: Any, among: Any = None) -> Any:
        if among is None:
            return usual(state, action, busy)
        return [Group(tuple(state.fields), among - busy)] if among - busy else []

    _wrap(patch, claim, "due_groups", groups)


@broken(7, 17)
def adds_go_first(patch: Patch) -> None:
    for name in ("_retries", "_fresh"):
        _wrap(patch, claim, name, lambda usual, draft, action, **named: (
            usual(draft, action.contrary, **named)))  # fmt: skip


@broken(0, 13, 49)
def requests_leave_before_they_are_full_or_due(patch: Patch) -> None:
    _wrap(patch, claim, "_fresh", lambda usual, draft, action, **_: (
        usual(draft, action, flush=True)))  # fmt: skip


@broken(0, 5, 7)
def requests_are_too_large(patch: Patch) -> None:
    _wrap(patch, claim, "request_size", lambda usual, *given: 2 * usual(*given))


@broken(5, 10, 12)
def permits_are_not_needed(patch: Patch) -> None:
    patch.setattr(permits, "take", lambda _db, _app, _class, limit, *_: [None] * limit)


@broken(5, 10, 12)
def a_permit_is_free_with_the_answer(patch: Patch) -> None:
    patch.setattr(permits, "COOL_S", 0.0)


@broken(29, 33)
def one_audience_always_comes_first(patch: Patch) -> None:
    _wrap(patch, ledgers, "to_look_at", lambda usual, *given: sorted(usual(*given)))


@broken(15, 18, 20)
def a_key_that_others_want_is_removed(patch: Patch) -> None:
    for place in (shared_keys, audience_sync):
        _wrap(patch, place, "usable_keys", lambda usual, keys, action, members, wanted: (
            usual(keys, action, members, {} if action is REMOVE else wanted)))  # fmt: skip


@broken(3, 6, 14)
def a_blocked_key_is_added(patch: Patch) -> None:
    for place in (shared_keys, audience_sync):
        _wrap(patch, place, "usable_keys", lambda usual, keys, *rest: (
            usual([replace(key, withdrawn=people()) for key in keys], *rest)))  # fmt: skip


@broken(3, 18)
def coholders_of_a_removed_key_stay_acknowledged(patch: Patch) -> None:
    patch.setattr(events, "_taken_from", lambda *_: None)


@broken(26, 27, 28)
def a_key_lost_since_the_claim_is_not_missed(patch: Patch) -> None:
    patch.setattr(courier, "_as_claimed", lambda *_: True)


# Rules 5 to 8: arrivals.


@broken(0, 3, 4)
def nobody_needs_consent(patch: Patch) -> None:
    patch.setattr(audience_sync, "_without_consent", lambda *_: None)


@broken(3, 8, 13)
def whoever_is_in_flight_is_synced_at_once(patch: Patch) -> None:
    _wrap(patch, audience_sync, "synced_at_once", lambda usual, state, arrived, _flying: (
        usual(state, arrived, people())))  # fmt: skip


@broken(21, 33, 37)
def others_fill_no_audience(patch: Patch) -> None:
    _wrap(patch, events, "_arrived", lambda usual, state, event: (
        usual(state, replace(event, maybe_in=False))))  # fmt: skip


@broken(1, 3)
def nothing_is_superseded(patch: Patch) -> None:
    patch.setattr(audience_sync, "supersede", lambda *_: None)


@broken(3, 7, 8)
def whoever_is_in_flight_is_superseded(patch: Patch) -> None:
    _wrap(patch, audience_sync, "supersede", lambda usual, closing, arrived, opened, _flying: (
        usual(closing, arrived, opened, people())))  # fmt: skip


@broken(3, 13, 16)
def nobody_is_closed_at_their_goal(patch: Patch) -> None:
    patch.setattr(arrivals, "close_at_goal", lambda *_: None)


@broken(59)
def a_coholder_in_flight_is_closed(patch: Patch) -> None:
    _wrap(patch, arrivals, "settle", lambda usual, *given: usual(*given[:4], people()))


@broken(16, 39)
def one_field_is_enough(patch: Patch) -> None:
    def at_goal(self: LedgerState, action: Action, fields: Any, members: Any) -> Any:
        if action is ADD:
            return members & union(self.of(name).acked for name in fields)
        return usual(self, action, fields, members)

    usual = LedgerState.at_goal
    patch.setattr(LedgerState, "at_goal", at_goal)


@broken(14, 17)
def nobody_is_parked(patch: Patch) -> None:
    def give_up(usual: Any, *given: Any) -> list[Any]:
        usual(*given)
        return []

    _wrap(patch, deadlines, "give_up", give_up)


@broken(5, 7)
def people_are_given_up_without_an_attempt(patch: Patch) -> None:
    def attempted(_self: Any, _audience: Any, opened: Any, now: Instant, _since: Any) -> Any:
        over = [one for one in opened.arrivals if one.deadline <= now]
        none = requests.Attempt(None, 0, None, now, people())
        return {one.id: one.waiting for one in over}, {one.id: none for one in over}

    patch.setattr(deadlines.Deadlines, "_attempted", attempted)


@broken(11, 24, 41)
def people_are_given_up_too_early(patch: Patch) -> None:
    _wrap(patch, audience_sync, "Coming", lambda usual, *given: (
        usual(*given[:-1], given[-2] + (given[-1] - given[-2]) / 2)))  # fmt: skip


@broken(11, 14)
def nobody_is_given_up(patch: Patch) -> None:
    patch.setattr(deadlines.Deadlines, "_give_up", lambda *_: False)


# Writing little, waves.


@broken(5, 7)
def a_fold_writes_answers_only(patch: Patch) -> None:
    patch.setattr(ledgers, "_only_answers", lambda before, _after: before is not None)


@broken(0, 5, 6)
def a_fold_counts_nobody_due(patch: Patch) -> None:
    found = ledgers._SQL._found
    for name in ("write_shard", "write_known"):
        nobody = (
            found[name]
            .replace(b"excluded.due_in", b"0")
            .replace(b"due_in = %s", b"due_in = 0 * %s")
        )
        patch.setitem(found, name, nobody)


@broken(0, 1, 2)
def the_log_after_the_fold_is_forgotten(patch: Patch) -> None:
    patch.setattr(ledgers, "_log", lambda _db, ledger: ledger.log or [])


@broken(43, 56)
def a_wave_has_no_fence(patch: Patch) -> None:
    patch.setattr(waves, "hold", lambda *_: True)
