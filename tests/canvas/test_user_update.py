"""The User Update step: what may be changed, and what is refused with a reason."""

from typing import Any

import pytest

from towpath.canvas.steps.user_update import UserUpdate
from towpath.errors import InputError

WHOLE = {
    "set": {"vip": True, "country": "BR", "sizes": {"shoe": 40}},
    "increment": {"visits": 1},
    "add": {"colours": ["blue"]},
    "remove": {"tags": ["new"]},
    "unset": ["coupon", "birth_date"],
    "next": "wait",
}


def test_what_is_read_is_written_alike() -> None:
    """All of it."""
    step = UserUpdate.parse(WHOLE, "steps.u")
    assert step.to_data() == WHOLE
    assert step.edges() == {"next": "wait"}


def test_a_draft_may_say_nothing_yet() -> None:
    """It cannot launch so."""
    step = UserUpdate.parse({"kind": "user_update"}, "steps.u")
    assert step.to_data() == {}
    (finding,) = step.findings("u", {}, None)  # type: ignore[arg-type]
    assert finding.code == "update_missing"


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({"sett": {}}, "steps.u.sett", "no such field"),
        ({"set": ["a"]}, "steps.u.set", "mapping"),
        ({"set": {"email": "a@example.com"}}, "steps.u.set.email", "identifier"),
        ({"set": {"Consent": "granted"}}, "steps.u.set.Consent", "what a person says"),
        ({"set": {"country": "Brazil"}}, "steps.u.set.country", "ISO 3166"),
        ({"set": {"Country": "BR"}}, "steps.u.set.Country", "written country"),
        ({"set": {"country": 1}}, "steps.u.set.country", "text"),
        ({"set": {"birth_date": "1990-01-01"}}, "steps.u.set.birth_date", "everybody"),
        ({"set": {"a": None}}, "steps.u.set.a", "unset"),
        ({"set": {"a": float("nan")}}, "steps.u.set.a", "no value"),
        ({"set": {"a": "x" * 10_001}}, "steps.u.set.a", "no value"),
        ({"set": {"": 1}}, "steps.u.set", "1 to 256"),
        ({"set": {"a": 1}, "unset": ["a"]}, "steps.u.unset.a", "set already"),
        ({"increment": {"a": True}}, "steps.u.increment.a", "number"),
        ({"increment": {"country": 1}}, "steps.u.increment.country", "only be set"),
        ({"add": {"a": "x"}}, "steps.u.add.a", "list"),
        ({"add": {"a": list(range(501))}}, "steps.u.add.a", "no value"),
        ({"unset": "a"}, "steps.u.unset", "list"),
        ({"unset": ["phone"]}, "steps.u.unset.phone", "identifier"),
        ({"set": {f"a{n}": "x" * 9_000 for n in range(8)}}, "steps.u", "longer"),
    ],
)
def test_what_cannot_be_is_refused(data: dict[str, Any], field: str, words: str) -> None:
    """Naming the place and the reason."""
    with pytest.raises(InputError) as found:
        UserUpdate.parse(data, "steps.u")
    assert found.value.field == field
    assert words in str(found.value)
