"""Stories of the doors: by the clock, by what people do, by the segments they come into."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.engine.admission import ENTRY
from towpath.people.filter_parse import parse_filter
from towpath.store import segments, tallies

EXIT = "{kind: exit}"


def test_an_event_is_in_a_request_within_six_seconds(told: Stage) -> None:
    """I-41: whom an event lets in is at TikTok 5 s after; who did something else is not."""
    told.people("ana", "bruno", "chiara")
    entry = "on: [{event: cart_left, where: {attribute: total, above: 50}}]"
    version = told.launch(canvas(entry=entry, add=sync()))
    told.did("ana", "cart_left", total=80)
    told.did("bruno", "cart_left", total=20)
    told.did("chiara", "cart_seen", total=80)
    told.wait(seconds=6)
    assert told.at_tiktok("winback") == {"ana"}
    assert told.counters(version, "add").entered == 1


def test_who_buys_leaves_at_once_and_is_never_added(told: Stage) -> None:
    told.people("ana", "bruno")
    entry = "on: [{event: cart_left}], exit_on: [{event: bought}]"
    version = told.launch(canvas(entry=entry, wait="{kind: delay, for: 1h, next: add}", add=sync()))
    for name in ("ana", "bruno"):
        told.did(name, "cart_left")
    told.wait(minutes=10)
    told.did("ana", "bought")
    told.wait(hours=1)
    assert told.at_tiktok("winback") == {"bruno"}
    assert told.counters(version, "wait").exited == 1


def test_every_day_at_nine_where_each_person_is(told: Stage) -> None:
    """Lisbon, São Paulo and somebody unknown, who is taken for a Lisboner."""
    told.import_people(
        "external_id,email,time_zone,consent\n"
        "ana,ana@example.com,Europe/Lisbon,granted\n"
        "bruno,bruno@example.com,America/Sao_Paulo,granted\n"
        "chiara,chiara@example.com,,granted\n"
    )
    entry = (
        'schedule: {daily: {at: "09:00"}, zone: local, fallback: Europe/Lisbon}, reentry: always'
    )
    version = told.launch(canvas(entry=entry, add=sync(next_step="end"), end=EXIT))
    entered: list[tuple[str, int]] = []
    count, end = 0, told.now + timedelta(days=1)
    while told.now < end:
        told.wait(seconds=1500)
        if (found := told.counters(version, "add").entered) > count:
            entered.append((f"{told.now.astimezone(ZoneInfo('Europe/Lisbon')):%H}", found - count))
            count = found
    assert sorted(entered) == [("09", 2), ("12", 1)]
    assert told.at_tiktok("winback") == {"ana", "bruno", "chiara"}


def test_who_comes_into_a_segment_enters_and_who_was_there_does_not(told: Stage) -> None:
    told.import_people(
        "external_id,email,orders:number,consent\n"
        "ana,ana@example.com,5,granted\n"
        "bruno,bruno@example.com,1,granted\n"
    )
    often = parse_filter({"attribute": "orders", "at_least": 3})
    segments.create(told.db, told.workspace, "Often", often, told.now)
    told.launch(canvas(entry="on: [{segment: Often}]", add=sync()))
    told.wait(minutes=2)
    assert told.sent() == []
    told.import_people("external_id,email,orders:number\nbruno,bruno@example.com,3\n")
    told.wait(minutes=2)
    assert told.at_tiktok("winback") == {"bruno"}


def test_a_change_of_an_attribute_and_of_consent_lets_in(told: Stage) -> None:
    told.import_people(
        "external_id,email,plan,consent\n"
        "ana,ana@example.com,free,granted\n"
        "bruno,bruno@example.com,gold,withdrawn\n"
        "chiara,chiara@example.com,gold,granted\n"
    )
    entry = "on: [{attribute: plan, to: gold}, {consent: granted}]"
    told.launch(canvas(entry=entry, add=sync()))
    told.wait(minutes=1)
    told.import_people("external_id,email,plan\nana,ana@example.com,gold\n")
    told.import_people("external_id,email,plan\nchiara,chiara@example.com,gold\n")
    told.wait(seconds=6)
    assert told.at_tiktok("winback") == {"ana"}


def test_the_control_group_stays_the_same_people(told: Stage) -> None:
    """Launched again, the same people are kept out; the counters say how many."""
    told.people(*(f"p{number}" for number in range(60)))
    text = canvas(entry="at: launch, control: 50%, reentry: always", add=sync())
    first = told.launch(text)
    told.wait(seconds=6)
    synced = told.at_tiktok("winback")
    told.stop("Winback")
    again = told.launch(text)
    told.wait(seconds=6)
    assert told.at_tiktok("winback") == synced
    assert 10 < len(synced) < 50
    for version in (first, again):
        edges = tallies.read_edges(told.db, version)
        assert edges[ENTRY, "refused: control group"] == 60 - len(synced)
