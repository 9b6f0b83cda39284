"""Stories of the dry run: what it says is what then happens, and it changes nothing."""

import json
from typing import Any

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.api import dry_runs
from towpath.api.dry_runs import DryRun, DryRunShown
from towpath.errors import ConflictError, InputError, NotFoundError
from towpath.store import connections

PEOPLE = (
    "external_id,email,phone,consent\nana,ana@example.com,,granted\n"
    "bruno,bruno@example.com,+5511987654321,granted\nchiara,,,granted\n"
    "dora,dora@example.com,,withdrawn\nemil,,+5511987654322,granted\n"
)
BOTH = sync(fields="email, phone")


def tried(told: Stage, step: str = "add", name: str = "Winback", **asked: Any) -> DryRunShown:
    """A dry run; whatever the tables hold stays as it was."""
    before = rows(told)
    found = dry_runs.run(
        told.db, told.workspace, told.canvas(name), step, DryRun(**asked), told.now
    )
    assert rows(told) == before
    return found


def rows(told: Stage) -> list[Any]:
    """What a step would change."""
    return [
        told.db.execute(f"select * from {table}").fetchall()  # noqa: S608
        for table in ("audience", "arrival", "request", "ledger_shard", "wave", "tally", "permit")
    ]


def test_a_dry_run_says_what_then_happens(told: Stage) -> None:
    told.import_people(PEOPLE)
    told.apply(canvas(add=BOTH))
    found = tried(told)
    assert (found.people, found.going) == (5, 3)
    assert found.not_going == {"no_consent": 1, "no_match_key": 1}
    assert {str(name): one.people for name, one in found.coverage.items()} == {
        "email": 3, "phone": 2, "idfa": 0, "gaid": 0,
    }  # fmt: skip
    assert found.coverage[next(iter(found.coverage))].percent == 60.0
    assert (found.requests, found.inside, found.expected, found.enough) == (1, 0, 3, False)
    first = found.first_request
    assert first is not None
    assert first.people == 3
    masked = json.loads(first.body)
    assert masked["advertiser_ids"] == [told.account]
    cells = [cell for row in masked["batch_data"] for cell in row if cell]
    assert [set(cell["id"]) for cell in cells] == [{"x"}] * 4
    assert all(cell["audience_ids"] == [told.audience_ref("winback")] for cell in cells)
    assert told.sent() == []

    version = told.launch(canvas(add=BOTH))
    told.wait(seconds=20)
    assert len(told.sent()) == found.requests
    assert len(told.sandbox.members(told.audience_ref("winback"))["email"]) == 2
    assert told.counters(version, "add").synced == found.going
    assert told.counters(version, "add").not_synced == sum(found.not_going.values())

    again = tried(told, of="running")
    assert (again.going, again.requests, again.first_request) == (0, 0, None)
    assert again.not_going == found.not_going | {"known_in": 3}
    assert (again.inside, again.expected, again.seconds) == (3, 3, 0.0)


def test_a_removal_and_requests_by_size(told: Stage) -> None:
    told.people(*(f"p{n}" for n in range(25)))
    told.launch(canvas(add=sync()))
    told.wait(seconds=20)
    told.people("never")
    (connection,) = connections.list_all(told.db, told.workspace)
    told.db.execute("update connection set people_per_request_max = 10")
    told.apply(canvas("Bye", out=sync(action="remove")))
    found = tried(told, "out", "Bye")
    assert (found.going, found.requests, found.people_per_request) == (25, 3, 10)
    assert found.not_going == {"already_out": 1}
    assert (found.inside, found.expected) == (25, 0)
    assert found.seconds >= 5
    assert connection.people_per_request_max > 10


def test_what_cannot_be_tried_is_told(told: Stage) -> None:
    told.people("ana")
    told.apply(canvas(add=sync(next_step="end"), end="{kind: exit}"))
    with pytest.raises(NotFoundError, match="no such step"):
        tried(told, "never")
    with pytest.raises(InputError, match="no Audience Sync"):
        tried(told, "end")
    with pytest.raises(ConflictError, match="never launched"):
        tried(told, of="running")
    with pytest.raises(InputError, match="no segment"):
        tried(told, segment="never")
