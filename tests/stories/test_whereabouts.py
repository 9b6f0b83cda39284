"""Stories of one person: in which audiences, by what, since when; why not; where they stand."""

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.api import people
from towpath.api.people import AudienceOf, Whereabouts
from towpath.errors import NotFoundError
from towpath.store import workspaces


def of(told: Stage, name: str) -> Whereabouts:
    """Where the person is; whatever is told holds no key."""
    found = people.of(told.db, told.workspace, name)
    for digest in told.emails:
        assert digest not in found.model_dump_json()
    return found


def only(found: Whereabouts) -> AudienceOf:
    """The only audience they came to."""
    (audience,) = found.audiences
    return audience


def test_who_is_in_is_told_by_what_and_since_when(told: Stage) -> None:
    told.people("ana")
    came = told.now
    told.launch(canvas(add=sync(next_step="rest"), rest="{kind: delay, for: 3d, next: gone}",
                       gone="{kind: exit}"))  # fmt: skip
    told.wait(seconds=2)
    assert only(of(told, "ana")).status == "waiting_to_be_added"
    assert only(of(told, "ana")).visits[0].state == "pending"
    told.wait(seconds=10)
    found = of(told, "ana")
    audience = only(found)
    (sent,) = told.sent()
    assert (audience.audience, audience.status) == ("winback", "in")
    assert audience.audience_id == told.audience_ref("winback")
    assert audience.by is not None
    assert (audience.by.canvas, audience.by.version, audience.by.step) == ("Winback", 1, "add")
    assert audience.by.partner_request_ref == sent.request_id
    assert audience.by.arrived_at is not None
    assert audience.since is not None
    assert came <= audience.by.arrived_at < audience.since <= told.now
    (visit,) = audience.visits
    assert (visit.state, visit.reason, visit.request) == (
        "synced", "acknowledged", audience.by.request,
    )  # fmt: skip
    assert audience.sets.acknowledged == ["email"]
    (where,) = found.canvases
    assert [one.step for one in where.standing] == ["rest"]
    assert len(where.entered) == 1
    assert found.consent.may_be_sent
    told.wait(days=4)
    assert of(told, "ana").canvases[0].standing == []


def test_who_is_not_in_is_told_why(told: Stage) -> None:
    told.import_people(
        "external_id,email,consent\nana,ana@example.com,withdrawn\nbruno,,granted\n"
        "chiara,chiara@example.com,granted\n"
    )
    told.launch(canvas(add=sync()))
    told.sandbox.world.advertisers[told.account].role = False
    told.wait(minutes=5)
    visits = {name: only(of(told, name)).visits[0] for name in ("ana", "bruno")}
    assert {name: (one.state, one.reason) for name, one in visits.items()} == {
        "ana": ("not_synced", "no_consent"),
        "bruno": ("not_synced", "no_match_key"),
    }
    assert only(of(told, "ana")).status == only(of(told, "bruno")).status == "out"
    assert not of(told, "ana").consent.may_be_sent
    assert of(told, "bruno").match_fields == []
    told.wait(hours=14)
    chiara = only(of(told, "chiara"))
    assert (chiara.status, chiara.visits[0].state) == ("given_up", "errored")
    assert chiara.visits[0].reason == "gave_up"
    assert chiara.sets.parked == ["email"]
    assert chiara.requests


def test_who_was_removed_is_told_by_what(told: Stage) -> None:
    told.people("ana", "bruno")
    told.launch(canvas(add=sync()))
    told.wait(seconds=20)
    told.launch(canvas("Bye", '"on": [{event: buy}]', out=sync(action="remove")))
    told.did("ana", "buy")
    told.wait(seconds=20)
    ana, bruno = only(of(told, "ana")), only(of(told, "bruno"))
    assert (ana.status, bruno.status) == ("out", "in")
    assert ana.by is not None
    assert (ana.by.canvas, ana.by.step) == ("Bye", "out")
    assert [one.action for one in ana.visits] == ["remove", "add"]
    assert [one.action for one in ana.requests] == ["remove", "add"]
    told.import_people("external_id,email,consent\nbruno,bruno2@example.com,granted\n")
    assert only(of(told, "bruno")).earlier_keys_may_be_in
    told.wait(minutes=2)
    assert not only(of(told, "bruno")).earlier_keys_may_be_in


def test_nobody_of_another_workspace_is_told_of(told: Stage) -> None:
    told.people("ana")
    other = workspaces.create(told.db, "other", told.now)
    with pytest.raises(NotFoundError):
        people.of(told.db, other.id, "ana")
    with pytest.raises(NotFoundError):
        people.of(told.db, told.workspace, "never")
    found = of(told, "ana")
    assert found.audiences == []
    assert found.canvases == []
