"""One checker an invariant (reliability, section 2, as amended by architecture 5).

A checker looks at the world and its records after a step, and yields a sentence for each thing that
must not be. `ALWAYS` look after every step; `AT_REST` once the healed world has come to rest.
"""

from collections.abc import Callable, Iterator

from towpath.cli.simulation.checkers import (
    answers,
    claims,
    counting,
    ledger,
    pace,
    reasons,
    rest,
    sends,
)
from towpath.cli.simulation.records import Records

Checker = Callable[[Records], Iterator[str]]

ALWAYS: dict[str, Checker] = {
    "I-01, I-02": counting.everyone_is_counted_once,
    "I-03": counting.tallies_equal_a_recount,
    "I-04": counting.nobody_is_lost_on_an_arrow,
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
    "I-24": answers.settled_is_settled,
    "windows": answers.windows_are_as_long_as_they_bite,
    "fold": ledger.fold_equals_log,
    "look": ledger.somebody_looks,
    "I-43": pace.nobody_is_passed_over,
}

AT_REST: dict[str, Checker] = {
    "I-18": rest.wanted_are_in,
    "I-20": rest.unwanted_are_out,
    "resend": rest.nothing_contrary_may_still_bite,
    "I-19 at TikTok": pace.no_overlaps,
    "I-35": pace.busiest_second,
    "rest": rest.nobody_waits,
}
