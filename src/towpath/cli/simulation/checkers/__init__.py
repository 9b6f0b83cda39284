"""One checker an invariant (reliability, section 2, as amended by architecture 5).

A checker looks at the world and its records after a step, and yields a sentence for each thing that
must not be. `ALWAYS` look after every step, `WALK` and `JOURNEY` where there is something to look
at; `AT_REST` once the healed world has come to rest.
"""

from collections.abc import Callable, Iterator

from towpath.cli.simulation.checkers import (
    answers,
    calls,
    claims,
    counting,
    entering,
    goodbyes,
    identities,
    ledger,
    moving,
    pace,
    reasons,
    rest,
    ruling,
    sends,
    stopping,
)
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.setting import Setting

Checker = Callable[[Records], Iterator[str]]

ALWAYS: dict[str, Checker] = {
    "I-01, I-02": counting.everyone_is_counted_once,
    "I-03": counting.tallies_equal_a_recount,
    "I-05": counting.nobody_enters_twice,
    "I-06": counting.counted_is_counted,
    "I-07": reasons.synced_was_acknowledged,
    "I-08": reasons.not_synced_had_nothing_to_send,
    "I-09": reasons.errored_was_tried_for_the_window,
    "I-10": reasons.nobody_waits_beyond_the_window,
    "I-16": reasons.superseded_is_counted,
    "rule 6": reasons.at_goal_is_closed,
    "I-19": claims.one_request_a_key,
    "I-21": claims.only_what_is_wanted_now,
    "keys": claims.shared_keys_are_respected,
    "rule 8": claims.given_up_are_left_alone,
    "rule 3": claims.backoff_holds_its_own_action,
    "claim": claims.nobody_due_is_left,
    "I-34": claims.removals_first,
    "I-42": claims.one_partial_request,
    "I-22": sends.claimed_before_sent,
    "I-23": sends.in_its_lease,
    "I-25, I-26": sends.answers_are_believed_rightly,
    "I-40": sends.sizes,
    "I-40, twice": sends.nothing_twice,
    "I-24": answers.settled_is_settled,
    "windows": answers.windows_are_as_long_as_they_bite,
    "fold": ledger.fold_equals_log,
    "look": ledger.somebody_looks,
    "I-43": pace.nobody_is_passed_over,
    "I-15": stopping.a_part_is_not_the_whole,
    "I-36": stopping.the_tier_is_kept,
    "I-39": stopping.throttling_is_waited_for,
}

WALK: dict[str, Checker] = {
    "I-04": moving.nobody_is_lost_on_an_arrow,
    "I-04, journey": moving.a_journey_adds_up,
    "I-05, lanes": moving.nobody_stands_twice,
    "I-11": moving.advancing_waits_for_nobody,
    "I-12": moving.exits_are_where_nothing_follows,
    "I-13": entering.nobody_enters_against_the_rule,
    "I-14": entering.a_launch_is_one_run,
    "I-17, stop": ruling.a_stop_ends,
    "I-17, pause": ruling.a_pause_holds,
}
"""Where people walk a Canvas."""

JOURNEY: dict[str, Checker] = {
    "I-13, cause": entering.nobody_enters_without_a_cause,
    "I-13, limits": entering.limits_are_kept,
    "I-17, edit": ruling.an_edit_leaves_people_standing,
    "I-17, gone": ruling.whose_step_is_gone_is_led_away,
    "calls, keys": calls.nobody_is_called_under_two_keys,
    "calls, settled": calls.what_is_settled_is_not_called_again,
    "I-41": pace.whoever_enters_is_soon_in_a_request,
}
"""In a journey."""

UPHEAVAL: dict[str, Checker] = {
    "I-30": stopping.a_gone_audience_stops_nobody_else,
    "I-55": goodbyes.a_receipt_is_true,
    "I-56": goodbyes.the_erased_are_not_sent,
    "I-58": goodbyes.nobody_is_sent_against_their_will,
    "I-59": goodbyes.only_what_is_asked_leaves,
    "I-62": stopping.a_cut_is_a_cut,
}
"""In an upheaval."""

UPHEAVAL_AT_REST: dict[str, Checker] = {
    "I-27, old": identities.old_keys_are_out,
    "I-27, new": identities.new_keys_are_in,
    "I-28": identities.shared_keys_stay_or_go,
    "I-29": identities.no_rule_leaves_orphans,
    "I-20, register": identities.unwanted_keys_are_out,
    "I-55, out": goodbyes.the_erased_are_out,
    "I-58, out": goodbyes.who_may_not_be_sent_is_out,
}

AT_REST: dict[str, Checker] = {
    "I-18": rest.wanted_are_in,
    "I-20": rest.unwanted_are_out,
    "resend": rest.nothing_contrary_may_still_bite,
    "I-19 at TikTok": pace.no_overlaps,
    "I-35": pace.busiest_second,
    "rest": rest.nobody_waits,
    "erased": rest.the_deleted_are_out,
    "audit": rest.the_audit_finds_nothing,
}

PARTED = frozenset({"I-01, I-02", "I-03", "I-05", "I-06", "I-19", "I-23", "I-24", "I-25, I-26"})
PARTED |= {
    "I-15",
    "I-36",
    "I-39",
    "I-40",
    "windows",
    "fold",
    "rest",
    "I-19 at TikTok",
    "I-35",
    "audit",
    "erased",
}
"""What holds whoever is merged or deleted; the others know people's keys and consent by heart."""


def always(setting: Setting) -> dict[str, Checker]:
    """Who looks after every step of such a run."""
    walk = WALK if setting.canvas or setting.journey else {}
    journey = JOURNEY if setting.journey else {}
    return _known(setting, ALWAYS) | walk | journey | (UPHEAVAL if setting.upheaval else {})


def at_rest(setting: Setting) -> dict[str, Checker]:
    """Who looks at the end of such a run."""
    return _known(setting, AT_REST) | (UPHEAVAL_AT_REST if setting.upheaval else {})


def _known(setting: Setting, checkers: dict[str, Checker]) -> dict[str, Checker]:
    if not (setting.partings or setting.upheaval):
        return checkers
    return {name: one for name, one in checkers.items() if name in PARTED}
