"""The copy of an ad account's audiences, and names at which one is being made."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.store.test_audiences import account, acme, audience  # noqa: F401 - fixtures

from towpath.canvas.graph import from_data
from towpath.clock import Instant, seconds
from towpath.ids import AdAccountId, AudienceId, PartnerRef, WorkspaceId
from towpath.store import audience_listings, audiences, canvases
from towpath.store.audience_listings import Line, Name
from towpath.store.database import Db

NAME = Name("tiktok", PartnerRef("73"), "Buyers", "first")


def line(ref: str, name: str = "Buyers", **changed: object) -> Line:
    plain = Line(PartnerRef(ref), name, "Partner", True, True, False, 0, False, False, None)
    return replace(plain, **changed)  # type: ignore[arg-type]


def refs(found: list[audience_listings.Listed]) -> list[str]:
    return [str(one.partner_ref) for one in found]


def test_a_list_replaces_the_one_before(
    db: Db,
    acme: WorkspaceId,  # noqa: F811
    account: AdAccountId,  # noqa: F811
    now: Instant,
) -> None:
    assert audience_listings.refreshed_at(db, account) is None
    audience_listings.replace(db, acme, account, [line("1"), line("2", "Old")], now)
    audience_listings.replace(db, acme, account, [line("2", "New"), line("10")], now + seconds(5))
    found = audience_listings.page(db, acme, account, limit=10)
    assert [(one.partner_ref, one.name) for one in found] == [("10", "Buyers"), ("2", "New")]
    assert audience_listings.refreshed_at(db, account) == now + seconds(5)
    assert audience_listings.page(db, WorkspaceId(acme + 1), account, limit=10) == []


def test_pages_go_on_from_the_newest_and_a_search_finds_names_and_ids(
    db: Db,
    acme: WorkspaceId,  # noqa: F811
    account: AdAccountId,  # noqa: F811
    now: Instant,
) -> None:
    lines = [line(str(number), f"Öko {number % 10}") for number in range(1, 101)]
    audience_listings.replace(db, acme, account, [*lines, line("7000", "100 %_x")], now)
    seen: list[str] = []
    while True:
        after = seen[-1] if seen else ""
        found = audience_listings.page(db, acme, account, after=after, limit=33)
        if not found:
            break
        seen += refs(found)
    assert seen == ["7000", *(str(number) for number in range(100, 0, -1))]
    search = {"öKO 3": 10, "%_": 1, "700": 1, "nothing": 0, "\\": 0}
    for words, count in search.items():
        assert len(audience_listings.page(db, acme, account, search=words, limit=500)) == count
    assert all(one.namesake for one in found[:1])


def test_namesakes_are_told_apart_and_ours_are_known(
    db: Db,
    acme: WorkspaceId,  # noqa: F811
    account: AdAccountId,  # noqa: F811
    audience: AudienceId,  # noqa: F811
    now: Instant,
) -> None:
    ours = audiences.read(db, acme, audience)
    lines = [line(ours.partner_ref), line("5"), line("6", "Other", owned=False)]
    audience_listings.replace(db, acme, account, lines, now)
    mine, other, shared = sorted(
        audience_listings.page(db, acme, account, limit=9), key=lambda one: -len(one.partner_ref)
    )
    assert (mine.audience, mine.created_here, mine.namesake) == (audience, True, True)
    assert sorted((one.audience, one.namesake) for one in (other, shared)) == [
        (None, False),
        (None, True),
    ]
    assert audience_listings.owned(db, acme, account) == 2


def test_why_an_audience_cannot_take_a_sync(now: Instant) -> None:
    assert line("1").unusable(now) == ""
    assert "Lookalike" in line("1", kind="Lookalike Audience", fits=False).unusable(now)
    assert "shared" in line("1", owned=False).unusable(now)
    assert "expired on 2026-03-01" in line("1", expires_at=now).unusable(now)
    later = now + timedelta(days=61)
    assert line("1", expires_at=later).unusable(now) == ""
    assert not line("1", expires_at=later).expires_soon(now)
    assert line("1", expires_at=later).expires_soon(now + timedelta(days=1))
    assert line("1", expires_at=later, expiring=True).expires_soon(now)
    assert not line("1", expires_at=now, expiring=True).expires_soon(now)


def test_a_name_is_taken_by_one_and_remembers_what_is_unsure(db: Db, now: Instant) -> None:
    """I-33: who comes second waits; after a lost answer the next one knows that it may come."""
    other = replace(NAME, holder="second")
    assert NAME.reserve(db, now + seconds(60), now) == (True, None)
    assert other.reserve(db, now + seconds(60), now) == (False, None)
    NAME.note_unsure(db, now + seconds(600))
    NAME.let_go(db, now + seconds(1))
    unsure = (True, now + seconds(600))
    assert other.reserve(db, now + seconds(60), now + seconds(1)) == unsure
    NAME.free(db)
    assert NAME.reserve(db, now + seconds(70), now + seconds(2)) == (False, None)
    other.free(db)
    assert NAME.reserve(db, now + seconds(70), now + seconds(2)) == (True, None)
    assert other.reserve(db, now + seconds(90), now + seconds(70)) == (True, None), "it died"


DRAFT = {
    "canvas": "C",
    "entry": {"at": "launch", "first": "a"},
    "steps": {"a": {"kind": "audience_sync", "audience": {"create": "Buyers"}}},
}


@pytest.mark.parametrize("by", [{"create": "Buyers"}, {"id": "7399999999999999999"}])
def test_an_audience_is_unused_when_nothing_names_it(
    db: Db,
    acme: WorkspaceId,  # noqa: F811
    audience: AudienceId,  # noqa: F811
    now: Instant,
    by: dict[str, str],
) -> None:
    assert [one.id for one in audiences.unused(db, acme)] == [audience]
    step = {"kind": "audience_sync", "audience": by}
    canvas = canvases.create(db, acme, from_data(DRAFT | {"steps": {"a": step}}), now)
    assert audiences.users(db, acme, audience) == ["Canvas C"]
    assert audiences.unused(db, acme) == []
    graph = from_data(DRAFT | {"steps": {"a": {"kind": "exit"}}})
    canvases.save_draft(db, acme, canvas, graph, revision=1, now=now)
    assert audiences.unused(db, acme) != []
    audiences.note_deleted(db, audience, now)
    assert audiences.unused(db, acme) == audiences.list_all(db, acme) == []
