"""Who may enter, and in which lane."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from towpath.canvas.admission import Refused, admit, lanes
from towpath.canvas.entry import ALWAYS, NEVER, Reentry
from towpath.people.people_set import PeopleSet, people, union

CROWDS = st.sets(st.integers(0, 12)).map(people)
WEEK = Reentry(timedelta(days=7))


@given(CROWDS, CROWDS, CROWDS, CROWDS, st.sampled_from([NEVER, WEEK, ALWAYS]))
def test_every_candidate_enters_or_is_refused_once(
    candidates: PeopleSet, before: PeopleSet, window: PeopleSet, inside: PeopleSet, rule: Reentry
) -> None:
    before |= window
    admission = admit(
        candidates,
        rule=rule,
        entered_before=before,
        entered_in_window=window,
        inside=inside,
    )
    parts = [admission.enter, *admission.refused.values()]
    assert union(parts) == candidates
    assert sum(map(len, parts)) == len(candidates)
    assert all(admission.refused.values())
    barred = {NEVER: before | inside, WEEK: window, ALWAYS: people()}[rule]
    assert admission.enter == candidates - barred


def test_reasons() -> None:
    admission = admit(
        people([1, 2, 3]),
        rule=NEVER,
        entered_before=people([1, 2]),
        entered_in_window=people(),
        inside=people([2]),
    )
    assert admission.refused == {
        Refused.INSIDE: people([2]),
        Refused.ENTERED_BEFORE: people([1]),
    }


@given(CROWDS, st.lists(CROWDS, max_size=4))
def test_everybody_takes_the_lowest_free_lane(enter: PeopleSet, occupied: list[PeopleSet]) -> None:
    found = lanes(enter, occupied)
    assert all(members for _, members in found)
    taken = {person: lane for lane, members in found for person in members}
    assert sum(len(members) for _, members in found) == len(taken)
    assert taken == {
        person: next(
            (lane for lane, standing in enumerate(occupied) if person not in standing),
            len(occupied),
        )
        for person in enter
    }
