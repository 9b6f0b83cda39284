"""Stories of audiences at the desk: listed, made once, cleaned up, found unfit before a launch."""

import asyncio
from dataclasses import replace
from importlib.resources import files

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.api import audience_making
from towpath.api.reach import Place, place_named
from towpath.canvas.parse import parse_canvas
from towpath.cli.canvas_templates import TEMPLATES, written
from towpath.errors import ConflictError, InputError, PartnerError
from towpath.ids import AudienceId, PartnerRef
from towpath.partners.protocol import Lookalike
from towpath.store import audience_listings, audiences, workspaces


@pytest.fixture
def place(told: Stage) -> Place:
    """The sandbox's first ad account."""
    return place_named(told.db, told.workspace, PartnerRef(told.account))


def make(told: Stage, place: Place, name: str) -> AudienceId:
    """Create an audience from the desk."""
    return told.runner.run(audience_making.make(told.db, place, name, told.reach, told.now))


def refresh(told: Stage, place: Place) -> list[audience_listings.Listed]:
    """List the ad account's audiences, and show the copy."""
    told.runner.run(audience_making.refresh(told.db, place, told.reach, told.now))
    return audience_listings.page(told.db, told.workspace, place.account.id, limit=500)


def names(told: Stage) -> list[str]:
    return [one.name for one in told.sandbox.world.audiences.values()]


def test_a_lost_answer_never_makes_two(told: Stage, place: Place) -> None:
    """S037, I-33: the answer is lost; the audience is found by its name, and is ours."""
    told.sandbox.next_faults(["reset_applied"], "segment/audience/")
    made = make(told, place, "winback")
    assert make(told, place, "winback") == made
    assert names(told) == ["winback"]
    found = audiences.read(told.db, told.workspace, made)
    assert found.created_here


def test_who_tries_again_after_two_lost_answers_finds_it(told: Stage, place: Place) -> None:
    """I-33: the answer is lost, and so is the look after it. For ten minutes nobody asks TikTok to
    make another: it is only looked for. Found, it is ours."""
    told.sandbox.next_faults(["reset_applied"], "segment/audience/")
    told.sandbox.next_faults(["ok", "reset_applied"], "dmp/custom_audience/list/")
    with pytest.raises(PartnerError, match="not known whether"):
        make(told, place, "winback")
    asked = [row.path for row in told.sandbox.log.rows].count("segment/audience/")
    made = make(told, place, "winback")
    assert names(told) == ["winback"]
    assert [row.path for row in told.sandbox.log.rows].count("segment/audience/") == asked
    assert audiences.read(told.db, told.workspace, made).created_here


def test_two_clicks_at_once_make_one(told: Stage, place: Place) -> None:
    """S037, I-33."""

    async def both() -> list[AudienceId]:
        makes = [
            audience_making.make(told.db, place, "winback", told.reach, told.now) for _ in range(2)
        ]
        return list(await asyncio.gather(*makes))

    first, second = told.runner.run(both())
    assert first == second
    assert names(told) == ["winback"]


def test_a_removal_step_can_name_it_at_once(told: Stage, place: Place) -> None:
    """S039."""
    text = canvas(remove=sync(action="remove"))
    assert [one.code for one in told.findings(text)] == ["audience_not_created"]
    make(told, place, "winback")
    assert told.findings(text) == []


def test_four_hundred_are_counted_before_tiktok_says_it(told: Stage, place: Place) -> None:
    """S038, S081: as a finding, and at the desk; TikTok is not asked to make it."""
    world = told.sandbox.world
    for number in range(400):
        made = world.new_audience(told.account, f"audience {number}", told.now.timestamp())
        world.audiences[made.audience_id] = made
    assert [one.code for one in told.findings(canvas(add=sync()))] == ["audiences_full"]
    with pytest.raises(PartnerError, match="At most 400 audiences") as refused:
        make(told, place, "winback")
    assert "unused" in refused.value.remedy
    assert len(refresh(told, place)) == 400
    with pytest.raises(InputError, match="1 to 70"):
        make(told, place, "x" * 71)


def test_what_cannot_take_a_sync_is_a_finding(told: Stage, place: Place) -> None:
    """S042: of another kind, and deleted at TikTok."""
    world = told.sandbox.world
    other = world.new_audience(told.account, "Alike", told.now.timestamp(), "Lookalike Audience")
    world.audiences[other.audience_id] = other
    text = canvas(add=sync().replace("create: winback", f'id: "{other.audience_id}"'))
    (finding,) = told.findings(text)
    assert (finding.code, finding.field) == ("audience_unusable", "audience.id")
    assert "Lookalike" in finding.message
    (line,) = refresh(told, place)
    assert line.unusable(told.now)


def test_a_dead_token_is_known_before_the_launch(told: Stage) -> None:
    """S029, S073: nobody has been sent yet."""
    world = told.sandbox.world
    world.tokens.clear() if hasattr(world, "tokens") else world.grants.clear()
    assert [one.code for one in told.findings(canvas(add=sync()))] == ["ad_account_refused"]


def test_fields_that_may_not_leave_keep_it_from_launching(told: Stage) -> None:
    """S009: the workspace says which."""
    found = workspaces.read(told.db, told.workspace)
    workspaces.change(
        told.db,
        told.workspace,
        default_country=None,
        unknown_consent_is_sent=False,
        fields_allowed=found.fields_allowed[:1],
    )
    text = canvas(add=sync(fields="email, phone"))
    assert [(one.code, one.field) for one in told.findings(text)] == [
        ("field_forbidden", "fields.phone")
    ]


def test_an_addition_and_a_removal_at_one_moment_are_a_finding(told: Stage) -> None:
    """S039: without a delay between them only the later would count."""
    text = canvas(add=sync(next_step="remove"), remove=sync(action="remove"))
    assert [(one.code, one.step) for one in told.findings(text)] == [
        ("add_and_remove_at_once", "remove")
    ]


def test_unused_audiences_are_offered_and_deleted(told: Stage, place: Place) -> None:
    """S079: only ours, and only when nothing names them."""
    made = make(told, place, "winback")
    assert [one.id for one in audiences.unused(told.db, told.workspace)] == [made]
    told.apply(canvas(add=sync()))
    assert audiences.unused(told.db, told.workspace) == []
    delete = audience_making.delete
    with pytest.raises(ConflictError, match="Canvas Winback"):
        told.runner.run(delete(told.db, place, made, told.reach, told.now))
    told.apply(canvas(add=sync("another")))
    told.runner.run(delete(told.db, place, made, told.reach, told.now))
    assert names(told) == ["another"]
    assert make(told, place, "winback") != made


def test_a_lookalike_is_made_once_of_a_source_that_is_large_enough(
    told: Stage, place: Place
) -> None:
    """S008."""
    source = audiences.read(told.db, told.workspace, make(told, place, "winback")).partner_ref
    wanted = Lookalike("Alike", source, ("6252001",))
    ask = audience_making.make_lookalike
    with pytest.raises(PartnerError, match="a lookalike needs 100"):
        told.runner.run(ask(told.db, place, wanted, told.reach, told.now))
    people = [f"p{number}" for number in range(400)]
    told.people(*people)
    told.launch(canvas(add=sync()))
    told.wait(minutes=1)
    told.wait(hours=49)
    first = told.runner.run(ask(told.db, place, wanted, told.reach, told.now))
    assert told.runner.run(ask(told.db, place, wanted, told.reach, told.now)) == first
    again = replace(wanted, name="Alike 2", source=first)
    with pytest.raises(PartnerError, match="of a lookalike"):
        told.runner.run(ask(told.db, place, again, told.reach, told.now))
    (line,) = (one for one in refresh(told, place) if one.name == "Alike")
    assert "Lookalike" in line.unusable(told.now)


@pytest.mark.parametrize("use", TEMPLATES)
def test_every_template_launches_when_its_audience_is_named(told: Stage, use: str) -> None:
    """S005, S006, S007, S008: the document's four uses."""
    text = written(use, 'Ours "2026"', told.account)
    assert told.findings(text) == []
    told.launch(text)
    assert names(told) == ['Ours "2026"']
    shipped = {one.name for one in files("towpath.cli").joinpath("templates").iterdir()}
    assert {f"{name}.yaml" for name in TEMPLATES} == shipped
    assert parse_canvas(text.encode()).name
