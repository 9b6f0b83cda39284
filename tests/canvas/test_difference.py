"""What differs between two versions of a Canvas, and where people of the older one go."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.canvas.difference import Change, check_redirects, differences, moves
from towpath.canvas.graph import Graph, from_data, to_data
from towpath.errors import InputError
from towpath.ids import StepId, VersionId

VERSION = VersionId(1)


def graph(**steps: dict[str, Any]) -> Graph:
    first = next(iter(steps))
    return from_data({"canvas": "Walk", "entry": {"at": "launch", "first": first}, "steps": steps})


def delay(span: str, then: str | None = None) -> dict[str, Any]:
    return {"kind": "delay", "for": span} | ({"next": then} if then else {})


OLD = graph(wait=delay("5s", "more"), more=delay("1d", "end"), end={"kind": "exit"})


def test_nothing_differs_from_itself() -> None:
    assert differences(OLD, from_data(to_data(OLD))) == []


def test_a_difference_is_told_down_to_the_field_of_a_step() -> None:
    new = graph(wait=delay("9s", "end"), end={"kind": "exit"}, other={"kind": "exit"})
    found = differences(OLD, new)
    assert Change("steps.wait.for", "changed", "5s", "9s") in found
    assert Change("steps.wait.next", "changed", "more", "end") in found
    assert [one.place for one in found if one.kind == "removed"] == ["steps.more"]
    assert [one.place for one in found if one.kind == "added"] == ["steps.other"]


@given(st.data())
def test_differences_make_the_new_one_out_of_the_old_one(data: st.DataObject) -> None:
    """Applied to the old file, they give the new one: nothing is left out."""
    spans = st.sampled_from(["1s", "5s", "1d"])
    names = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)

    def drawn() -> Graph:
        return graph(
            **{
                name: data.draw(st.one_of(st.just({"kind": "exit"}), st.builds(delay, spans)))
                for name in data.draw(names)
            }
        )

    old, new = drawn(), drawn()
    made = copy.deepcopy(to_data(old))
    for change in differences(old, new):
        *way, last = change.place.split(".")
        at = made
        for key in way:
            at = at[key]
        if change.kind == "removed":
            del at[last]
        else:
            at[last] = change.now
    assert made == to_data(new)


def test_people_stay_where_the_step_is_still_of_its_kind() -> None:
    new = graph(wait=delay("9s"), more={"kind": "exit"})
    standing = {StepId("wait"): 3, StepId("more"): 2, StepId("end"): 0}
    found = moves(VERSION, OLD, new, standing, {})
    assert [(one.step, one.people, one.to, one.how) for one in found] == [
        ("wait", 3, "wait", "stays"),
        ("more", 2, None, "leaves"),
    ]
    redirected = moves(VERSION, OLD, new, standing, {StepId("more"): StepId("wait")})
    assert [(one.to, one.how) for one in redirected] == [("wait", "stays"), ("wait", "redirected")]


@pytest.mark.parametrize(
    ("redirects", "field"),
    [({"mor": "wait"}, "redirects.mor"), ({"more": "wat"}, "redirects.more")],
)
def test_a_redirect_names_steps_that_are_there(redirects: dict[str, str], field: str) -> None:
    given_redirects = {StepId(step): StepId(to) for step, to in redirects.items()}
    with pytest.raises(InputError) as refused:
        check_redirects([OLD], OLD, given_redirects)
    assert refused.value.field == field
    assert "Did you mean" in refused.value.remedy
