"""Paths: every kind of step that divides people or lets them wait, person by person."""

from datetime import UTC, datetime, timedelta

from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.engine.moves import EXITED
from towpath.ids import VersionId
from towpath.store import conversions, taken, tallies, waves
from towpath.store.conversions import Count

STAY = "{kind: delay, for: 30d}"


def at(told: Stage, version: VersionId, step: str) -> set[str]:
    """Who stands at a step, by external id."""
    held: set[int] = set()
    for place in waves.places(told.db, [(version, step)]):  # type: ignore[list-item]
        members = waves.members_of(told.db, [place.id])[place.id]
        held |= set(members - taken.gone(told.db, place.stand))
    rows = told.db.execute(
        "select external_id from profile where number = any(%s)", (list(held),)
    ).fetchall()
    return {row[0] for row in rows}


def along(told: Stage, version: VersionId, step: str) -> dict[str, int]:
    """How many went along each arrow of a step."""
    found = tallies.read_edges(told.db, version)
    return {edge: people for (place, edge), people in found.items() if place == step}


def test_audience_paths_take_the_first_group_that_matches(told: Stage) -> None:
    told.import_people(
        "external_id,orders:number,country\nann,12,BR\nbob,3,BR\ncid,0,PT\ndan,20,PT\n"
    )
    version = told.launch(
        canvas(
            split="{kind: audience_paths, else: rest, paths: ["
            "{name: vip, if: {attribute: orders, at_least: 10}, next: best}, "
            "{name: local, if: {attribute: country, is: BR}, next: near}]}",
            best=STAY,
            near=STAY,
            rest=STAY,
        )
    )
    told.wait(seconds=1)
    assert at(told, version, "best") == {"ann", "dan"}
    assert at(told, version, "near") == {"bob"}
    assert at(told, version, "rest") == {"cid"}
    assert along(told, version, "split") == {"vip": 2, "local": 1, "else": 1}


def test_people_who_act_go_on_at_once_and_the_others_when_the_window_ends(told: Stage) -> None:
    told.people("Ann", "Bob", "Cid", "Dan")
    version = told.launch(
        canvas(
            wait="{kind: action_paths, within: 1h, else: win, paths: ["
            "{name: bought, next: thank, on: [{event: order, where: {attribute: sum, above: 9}}]}, "
            "{name: bye, on: [{event: uninstall}]}]}",
            thank=STAY,
            win=sync(),
        )
    )
    told.wait(seconds=1)
    told.did("Ann", "order", sum=50)
    told.did("Bob", "order", sum=5)
    told.did("Cid", "uninstall")
    told.wait(seconds=1)
    assert at(told, version, "thank") == {"Ann"}
    assert at(told, version, "wait") == {"Bob", "Dan"}
    told.wait(hours=1, minutes=2)
    assert told.at_tiktok("winback") == {"Bob", "Dan"}
    assert along(told, version, "wait") == {"bought": 1, "bye": 1, "else": 2}


def test_ranked_action_paths_hold_people_and_take_their_best(told: Stage) -> None:
    told.people("Ann", "Bob", "Cid")
    version = told.launch(
        canvas(
            wait="{kind: action_paths, within: 1h, ranked: true, else: rest, paths: ["
            "{name: bought, on: [{event: order}], next: thank}, "
            "{name: saw, on: [{event: view}], next: remind}]}",
            thank=STAY,
            remind=STAY,
            rest=STAY,
        )
    )
    told.wait(seconds=1)
    for name, event in (("Ann", "view"), ("Bob", "view"), ("Ann", "order"), ("Ann", "view")):
        told.did(name, event)
        told.wait(seconds=1)
    assert at(told, version, "wait") == {"Ann", "Bob", "Cid"}
    told.wait(hours=1, minutes=2)
    assert at(told, version, "thank") == {"Ann"}
    assert at(told, version, "remind") == {"Bob"}
    assert at(told, version, "rest") == {"Cid"}


def test_an_experiment_divides_by_weight_and_sends_people_the_same_way_again(told: Stage) -> None:
    told.people(*(f"P{place}" for place in range(1_000)))
    version = told.launch(
        canvas(
            entry="at: launch, reentry: always",
            lot="{kind: experiment_paths, control: {weight: 10, next: none}, paths: ["
            "{name: a, weight: 60, next: first}, {name: b, weight: 30, next: second}]}",
            first=STAY,
            second=STAY,
            none=STAY,
        )
    )
    told.wait(seconds=1)
    counts = along(told, version, "lot")
    assert 540 < counts["a"] < 660
    assert 240 < counts["b"] < 360
    assert 60 < counts["control"] < 140
    before = {step: at(told, version, step) for step in ("first", "second", "none")}
    told.stop("Winback")
    canvas_now = told.canvas("Winback")
    again = told.launch(
        canvas(
            entry="at: launch, reentry: always",
            lot="{kind: experiment_paths, control: {weight: 10, next: none}, paths: ["
            "{name: a, weight: 60, next: first}, {name: b, weight: 30, next: second}]}",
            first="{kind: delay, for: 29d}",
            second=STAY,
            none=STAY,
        )
    )
    assert canvas_now.id == told.canvas("Winback").id
    told.wait(seconds=1)
    assert {step: at(told, again, step) for step in before} == before


def test_delays_go_by_everybodys_own_clock(told: Stage) -> None:
    """At 12:00 UTC it is 9 in São Paulo and 21 in Tokyo; who has no zone goes by Lisbon's."""
    told.now = datetime(told.now.year + 1, 6, 1, 12, tzinfo=UTC)
    told.import_people("external_id,time_zone\nrio,America/Sao_Paulo\ntokyo,Asia/Tokyo\nnobody,\n")
    version = told.launch(
        canvas(
            wait='{kind: delay, until: "10:00", zone: local, fallback: Europe/Lisbon, next: on}',
            on=STAY,
        )
    )
    told.wait(minutes=61)
    assert at(told, version, "on") == {"rio"}
    told.wait(hours=13)
    assert at(told, version, "on") == {"rio", "tokyo"}
    told.wait(hours=8)
    assert at(told, version, "on") == {"rio", "tokyo", "nobody"}


def test_a_delay_until_a_date_of_ones_own(told: Stage) -> None:
    """Three days before the renewal, at nine; who has no date leaves, whose is over goes on."""
    told.now = datetime(told.now.year + 1, 6, 1, 12, tzinfo=UTC)
    day = told.now.date()
    soon, later, past = (day + timedelta(days=days) for days in (5, 9, -30))
    told.import_people(
        f"external_id,renewal\nsoon,{soon}\nlater,{later}\npast,{past}\nnever,\n"
        f"exact,{soon}T11:30:00Z\n"
    )
    version = told.launch(
        canvas(
            wait='{kind: delay, until: {attribute: renewal, minus: 3d, at: "09:00"}, next: on}',
            on=STAY,
        )
    )
    told.wait(seconds=1)
    assert at(told, version, "on") == {"past"}
    assert along(told, version, "wait") == {"next": 1, "missing": 1}
    told.now += timedelta(hours=44, minutes=58)
    told.work()
    assert at(told, version, "on") == {"past"}
    told.wait(minutes=2)
    assert at(told, version, "on") == {"past", "soon", "exact"}
    told.import_people(f"external_id,renewal\nlater,{later + timedelta(days=2)}\n")
    told.now += timedelta(days=4)
    told.work()
    assert at(told, version, "wait") == {"later"}, "the date has moved, and they wait for it"
    told.now += timedelta(days=2)
    told.work()
    assert at(told, version, "wait") == set()


def test_exit_criteria_bite_before_the_next_step(told: Stage) -> None:
    told.people("Ann", "Bob", "Cid")
    entry = "at: launch, exit_on: [{event: unsubscribe}, {filter: {attribute: plan, is: gold}}]"
    version = told.launch(canvas(entry=entry, wait="{kind: delay, for: 1h, next: add}", add=sync()))
    told.wait(seconds=1)
    told.did("Ann", "unsubscribe")
    told.wait(seconds=2)
    assert told.counters(version, "wait").exited == 1, "at once, not when the hour is over"
    assert len(at(told, version, "wait")) == 2
    told.import_people("external_id,plan\nBob,gold\n")
    told.wait(hours=1, minutes=1)
    assert told.at_tiktok("winback") == {"Cid"}
    found = along(told, version, "wait")
    assert found.pop("next") == 1
    assert all(edge.startswith(EXITED) for edge in found)
    assert told.counters(version, "wait").exited == 2


def test_conversions_are_counted_once_for_an_entry(told: Stage) -> None:
    told.people("Ann", "Bob", "Cid")
    text = canvas(wait="{kind: delay, for: 1d, next: end}", end="{kind: exit}")
    goals = "conversions:\n  - {event: order, where: {attribute: total, above: 10}, within: 2h}\n"
    version = told.launch(text.replace("steps:", goals + "steps:"))
    told.wait(seconds=1)
    told.did("Ann", "order", total=20)
    told.did("Bob", "order", total=1)
    told.wait(minutes=5)
    told.did("Ann", "order", total=30)
    told.wait(minutes=5)
    assert conversions.counts(told.db, version) == [Count(0, control=False, people=1)]
    told.did("Bob", "order", total=99)
    told.wait(hours=3)
    told.did("Cid", "order", total=99)
    told.wait(minutes=5)
    assert conversions.counts(told.db, version) == [Count(0, control=False, people=2)]


def test_of_the_control_group_conversions_are_counted_apart(told: Stage) -> None:
    told.people(*(f"P{place}" for place in range(40)))
    text = canvas(entry='at: launch, control: "50%"', wait=STAY)
    text = text.replace("steps:", "conversions: [{event: order}]\nsteps:")
    version = told.launch(text)
    told.wait(seconds=1)
    for place in range(40):
        told.did(f"P{place}", "order")
    told.wait(seconds=2)
    inside = len(at(told, version, "wait"))
    assert 0 < inside < 40
    assert conversions.counts(told.db, version) == [
        Count(0, control=False, people=inside),
        Count(0, control=True, people=40 - inside),
    ]
