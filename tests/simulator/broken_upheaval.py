"""Rules of consent, keys and connections, switched off: each is noticed by the checker it names.

The checker looks alone (broken_rules.py).
"""

from dataclasses import replace
from typing import Any

from tests.simulator.broken_rules import Patch, _wrap, broken

from towpath.engine.steps import audience_sync
from towpath.partners import protocol
from towpath.partners.protocol import AnswerKind, Cause, Scope
from towpath.partners.tiktok import limits, replies
from towpath.people.people_set import people
from towpath.store import (
    consents,
    emptyings,
    erasures,
    permits,
    secrets,
    shared_keys,
    stray_keys,
    tombstones,
)

# What an answer means, and stops.


@broken(47, 53, 59, by="I-15")
def a_part_is_believed(patch: Patch) -> None:
    applied = replies.Meaning(AnswerKind.APPLIED, Cause.NONE, "")
    patch.setitem(replies.CODES, 20001, applied)


@broken(424, 474, 725, by="I-30")
def a_gone_audience_stops_the_app(patch: Patch) -> None:
    patch.setitem(protocol._SCOPES, Cause.AUDIENCE, Scope.APP)
    patch.setitem(limits.PAUSE_S, Cause.AUDIENCE, 60.0)


@broken(5, 10, 12, by="I-36")
def permits_are_free_at_once(patch: Patch) -> None:
    patch.setattr(permits, "COOL_S", -60.0)


@broken(15, 68, 85, by="I-39")
def throttling_stops_nobody(patch: Patch) -> None:
    patch.setattr(permits, "pause", lambda *_: False)


@broken(1965, by="I-62")
def a_cut_leaves_the_token(patch: Patch) -> None:
    patch.setattr(secrets, "delete", lambda *_: None)


# Keys that change.


@broken(54, 96, 112, by="I-27, old")
def old_keys_stay(patch: Patch) -> None:
    patch.setattr(stray_keys, "follow_changes", lambda *_: None)


@broken(113, 235, 277, by="I-27, new")
def new_keys_are_not_sent(patch: Patch) -> None:
    patch.setattr(stray_keys, "follow_changes", lambda *_: None)


@broken(11, 301, 352, by="I-28")
def an_opt_out_spares_what_others_hold(patch: Patch) -> None:
    _wrap(patch, shared_keys, "holders", lambda usual, *given: [
        replace(one, withdrawn=people()) for one in usual(*given)])  # fmt: skip


@broken(284, 352, 361, by="I-29")
def other_rules_leave_old_keys(patch: Patch) -> None:
    patch.setattr(stray_keys, "follow_changes", lambda *_: None)


# Who goes.


@broken(54, 235, 700, by="I-55")
def an_erasure_is_confirmed_at_once(patch: Patch) -> None:
    found = erasures._SQL._found
    at_once = found["read_out"].replace(b"s.ended_at is null", b"false")
    patch.setitem(found, "read_out", at_once)


@broken(54, 65, 96, by="I-55, out")
def the_erased_stay_in_audiences(patch: Patch) -> None:
    patch.setattr(stray_keys, "turn_all", lambda *_: None)


@broken(96, 192, 235, by="I-56")
def tombstones_refuse_nobody(patch: Patch) -> None:
    patch.setattr(tombstones, "refuse_staged", lambda *_: people())


@broken(192, 411, 521, by="I-58")
def a_withdrawal_after_the_claim_is_ignored(patch: Patch) -> None:
    patch.setattr(consents, "left_since", lambda *_: people())


@broken(11, 96, 112, by="I-58, out")
def a_withdrawal_removes_nobody(patch: Patch) -> None:
    patch.setattr(consents, "let_go", lambda *_: None)


@broken(51, 80, 121, by="I-59")
def every_field_may_leave(patch: Patch) -> None:
    def fields(_moment: Any, _ledger: Any, _action: Any, asked: Any) -> Any:
        return asked

    patch.setattr(audience_sync, "_fields", fields)


@broken(312, 510, 733, by="I-20, register")
def emptying_removes_nobody(patch: Patch) -> None:
    patch.setattr(emptyings, "empty", lambda *_: None)
