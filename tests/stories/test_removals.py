"""By choice, people leave the audiences of a Canvas when they exit, convert or match no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.test_changed_keys import held, people_file
from tests.stories.files import sync
from tests.stories.stage import Stage, stage

from towpath.ids import VersionId
from towpath.store.database import Db

ENTRY = (
    "on: [{event: browsed}], exit_on: [{event: unsubscribed}], filter: {attribute: vip, is: true}"
)


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """Three who are dear to us, in a workspace that is connected to TikTok."""
    with stage(db, tmp_path) as found:
        found.connect()
        rows = (f"{name},{name}@example.com,granted,true" for name in ("ana", "bia", "carla"))
        people_file(found, *rows, columns="external_id,email,consent,vip:boolean")
        yield found


def canvas(removals: str, name: str = "Winback", entry: str = ENTRY) -> str:
    """Whoever browsed is added, and rests for a week."""
    return "\n".join(
        [
            f"canvas: {name}",
            f"entry: {{{entry}, first: add}}",
            "conversions: [{event: bought, within: 7d}]",
            f"removals: {removals}",
            "steps:",
            f"  add: {sync(next_step='rest')}",
            "  rest: {kind: delay, for: 7d}",
            f"  spare: {sync(action='remove')}",
        ]
    )


def everybody_in(told: Stage, removals: str) -> VersionId:
    """All three are in the audience."""
    version = told.launch(canvas(removals))
    for name in ("ana", "bia", "carla"):
        told.did(name, "browsed")
    told.wait(minutes=1)
    assert len(held(told)) == 3
    return version


def names(told: Stage) -> set[str]:
    """Who is in the audience."""
    return {told.emails[key] for key in held(told)}


def test_who_exits_leaves_the_audience(told: Stage) -> None:
    version = everybody_in(told, "[{on: [exit], step: spare}]")
    told.did("ana", "unsubscribed")
    told.did("bia", "bought")
    told.wait(minutes=2)
    assert names(told) == {"bia", "carla"}
    counters = told.counters(version, "spare")
    assert (counters.entered, counters.synced) == (1, 1)


def test_who_converts_leaves_the_audience_also_when_they_left_the_canvas(told: Stage) -> None:
    version = everybody_in(told, "[{on: [conversion], step: spare}]")
    told.did("bia", "unsubscribed")
    told.wait(minutes=2)
    assert names(told) == {"ana", "bia", "carla"}
    told.did("ana", "bought")
    told.did("bia", "bought")
    told.wait(minutes=2)
    assert names(told) == {"carla"}
    told.did("ana", "bought")
    told.wait(minutes=2)
    assert told.counters(version, "spare").entered == 2, "once for a goal"


def test_who_no_longer_matches_leaves_the_audience(told: Stage) -> None:
    """Within a minute or two; once."""
    version = everybody_in(told, "[{on: [exit, segment], step: spare}]")
    people_file(told, "ana,false", columns="external_id,vip:boolean")
    told.wait(minutes=3)
    assert names(told) == {"bia", "carla"}
    told.wait(minutes=5)
    assert told.counters(version, "spare").entered == 1
    people_file(told, "ana,true", columns="external_id,vip:boolean")
    told.wait(minutes=3)
    assert names(told) == {"bia", "carla"}, "they come back when they enter again"


@pytest.mark.parametrize(
    ("removals", "code"),
    [
        ("[{on: [exit], step: nowhere}]", "step_unknown"),
        ("[{on: [exit], step: add}]", "removal_step_wrong"),
        ("[{on: [exit], step: rest}]", "removal_step_wrong"),
    ],
)
def test_what_must_be_mended_is_told(told: Stage, removals: str, code: str) -> None:
    assert code in {one.code for one in told.findings(canvas(removals))}


def test_an_occasion_that_never_comes_is_told(told: Stage) -> None:
    never = canvas("[{on: [exit, segment], step: spare}]", entry="on: [{event: browsed}]")
    found = [one.field for one in told.findings(never) if one.code == "removal_never"]
    assert found == ["removals[0].on"] * 2
