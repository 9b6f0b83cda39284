"""Stories of continuous segment syncs: an audience kept equal to a segment without a Canvas."""

import pytest
from tests.stories.stage import Stage

from towpath.errors import ConflictError, InputError
from towpath.people.filter_parse import parse_filter
from towpath.store import segment_syncs, segments
from towpath.store.canvases import CanvasState
from towpath.store.tallies import Change

SYNC = """
sync: Brazil
segment: brazil
partner: tiktok
ad_account: "ACCOUNT"
audience: {create: brazil}
fields: [email]
"""
HEAD = "external_id,email,consent,country\n"


def _segment(told: Stage) -> None:
    tree = parse_filter({"attribute": "country", "is": "BR"})
    segments.create(told.db, told.workspace, "brazil", tree, told.now)


def test_an_audience_follows_its_segment_and_only_differences_are_sent(told: Stage) -> None:
    """Ana and Bruno are of Brazil; Chiara has not consented, Dora has no e-mail. Bruno moves away,
    Chiara consents: within a minute the audience is Ana and Chiara, and Ana was sent once."""
    _segment(told)
    told.import_people(
        HEAD + "ana,ana@example.com,granted,BR\nbruno,bruno@example.com,granted,BR\n"
        "chiara,chiara@example.com,unknown,BR\ndora,,granted,BR\nemil,emil@example.com,granted,DE"
    )
    sync = told.sync(SYNC)
    told.wait(seconds=10)
    assert told.at_tiktok("brazil") == {"ana", "bruno"}
    told.import_people(
        HEAD + "bruno,bruno@example.com,granted,PT\nchiara,chiara@example.com,granted,BR"
    )
    told.wait(seconds=70)
    assert told.at_tiktok("brazil") == {"ana", "chiara"}
    added = told.counters(sync.version, "add")
    assert added == Change(entered=3, advanced=3, synced=3, exited=3)
    removed = told.counters(sync.version, "remove")
    assert removed == Change(entered=1, advanced=1, synced=1, exited=1)
    shown = segment_syncs.read(told.db, told.workspace, sync.canvas)
    assert (shown.people, shown.trouble) == (2, None)
    requests = len(told.sent())
    told.wait(minutes=5)
    assert len(told.sent()) == requests


def test_a_schedule_says_when_it_is_looked_at(told: Stage) -> None:
    _segment(told)
    told.import_people(HEAD + "ana,ana@example.com,granted,BR")
    sync = told.sync(SYNC + 'schedule: {daily: {at: "03:00"}, zone: UTC}\n')
    told.wait(seconds=10)
    assert told.at_tiktok("brazil") == {"ana"}
    told.import_people(HEAD + "bruno,bruno@example.com,granted,BR")
    told.wait(minutes=5)
    shown = segment_syncs.read(told.db, told.workspace, sync.canvas)
    assert shown.look_at.hour == 3
    assert shown.look_at.minute == 0
    assert told.at_tiktok("brazil") == {"ana"}


@pytest.mark.parametrize("remove_everyone", [False, True])
def test_stopped_it_leaves_people_where_they_are_or_takes_them_out(
    told: Stage, *, remove_everyone: bool
) -> None:
    _segment(told)
    told.import_people(HEAD + "ana,ana@example.com,granted,BR")
    sync = told.sync(SYNC)
    told.wait(seconds=10)
    segment_syncs.stop(
        told.db, told.workspace, sync.canvas, remove_everyone=remove_everyone, now=told.now
    )
    told.wait(seconds=10)
    assert told.at_tiktok("brazil") == (set() if remove_everyone else {"ana"})
    shown = segment_syncs.read(told.db, told.workspace, sync.canvas)
    assert shown.state is CanvasState.STOPPED
    told.import_people(HEAD + "bruno,bruno@example.com,granted,BR")
    told.wait(minutes=2)
    assert "bruno" not in told.at_tiktok("brazil")


def test_a_segment_that_is_gone_is_told_and_nobody_is_taken_out(told: Stage) -> None:
    _segment(told)
    told.import_people(HEAD + "ana,ana@example.com,granted,BR")
    sync = told.sync(SYNC)
    told.wait(seconds=10)
    told.db.execute("delete from segment")
    told.wait(minutes=2)
    shown = segment_syncs.read(told.db, told.workspace, sync.canvas)
    assert shown.trouble is not None
    assert "brazil" in shown.trouble
    assert told.at_tiktok("brazil") == {"ana"}


def test_nothing_is_made_when_the_segment_or_the_name_is_wrong(told: Stage) -> None:
    with pytest.raises(InputError) as refused:
        told.sync(SYNC)
    assert refused.value.field == "segment"
    _segment(told)
    told.sync(SYNC)
    with pytest.raises(ConflictError):
        told.sync(SYNC)
