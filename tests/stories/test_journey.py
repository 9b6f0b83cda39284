"""Stories of the journey: who enters and when, who goes on, and what the counters say of it."""

from datetime import timedelta

from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.canvas.delays import due_bucket
from towpath.cli.canvas_show import NAMES
from towpath.store import entries, waves
from towpath.store.tallies import COUNTERS, Change

PEOPLE = """\
external_id,email,country,orders:number,last_seen:time,consent
ana,ana@example.com,BR,7,2026-03-01T00:00:00Z,granted
bruno,bruno@example.com,BR,1,2025-01-01T00:00:00Z,granted
chiara,chiara@example.com,IT,9,2024-06-01T00:00:00Z,granted
dmitri,,BR,12,2026-02-01T00:00:00Z,granted
eva,eva@example.com,PT,3,2023-01-01T00:00:00Z,withdrawn
"""


def test_everybody_goes_on_at_once_synced_or_not(told: Stage) -> None:
    """S048, S059, S062, S063: TikTok has not heard of anybody yet, and all five stand at the next
    step; Dmitri, who has no e-mail, and Eva, who said no, go on like the others."""
    told.import_people(PEOPLE)
    version = told.launch(
        canvas(add=sync(next_step="later"), later="{kind: delay, for: 1h, next: end}", end=EXIT)
    )
    told.wait(seconds=1)
    assert told.sent() == []
    assert told.counters(version, "add") == Change(5, 5, not_synced=2, pending=3)
    assert told.counters(version, "later").entered == 5
    assert told.reasons(version, "add") == {"not_synced": {"no_match_key": 1, "no_consent": 1}}
    told.wait(seconds=5)
    assert told.counters(version, "add") == Change(5, 5, synced=3, not_synced=2)
    assert told.at_tiktok("winback") == {"ana", "bruno", "chiara"}


def test_a_sync_step_that_is_last_has_advanced_exited_and_entered_alike(told: Stage) -> None:
    """S060, S067, S068: nothing follows, so all advance and leave the Canvas, synced or not."""
    told.import_people(PEOPLE)
    version = told.launch(canvas(add=sync()))
    told.wait(seconds=6)
    one = told.counters(version, "add")
    assert one.advanced == one.exited == one.entered == 5
    assert waves.standing(told.db, version) == {}


def test_only_the_last_step_counts_people_as_exited(told: Stage) -> None:
    """S067, S068: where something follows, people advance and do not leave."""
    told.people("ana", "bruno")
    version = told.launch(canvas(add=sync(next_step="end"), end=EXIT))
    told.wait(seconds=6)
    assert told.counters(version, "add") == Change(entered=2, advanced=2, synced=2)
    assert told.counters(version, "end") == Change(entered=2, exited=2)


def test_the_seven_counters_bear_the_documents_names_and_order() -> None:
    """S057, S058: entered, advanced, synced, not synced, pending, errored, exited."""
    assert tuple(NAMES) == COUNTERS == tuple(Change.__dataclass_fields__)
    assert list(NAMES.values()) == [
        "Entered",
        "Advanced",
        "Synced",
        "Not synced",
        "Pending",
        "Errored",
        "Exited",
    ]


def test_synced_is_not_matched(told: Stage) -> None:
    """S061, S062, S077: TikTok knows 3 of the 5; the counter says 5, and no answer says which."""
    told.people("ana", "bruno", "chiara", "dmitri", "eva")
    version = told.launch(canvas(add=sync()))
    told.wait(seconds=6)
    audience = told.sandbox.world.audiences[told.audience_ref("winback")]
    assert told.sandbox.world.size(audience) == 3
    assert told.counters(version, "add").synced == 5


def test_an_audience_is_ready_from_a_thousand_matched_people_on(told: Stage) -> None:
    """S050: below that TikTok's own list calls it not ready, and so do we."""
    audience = told.sandbox.world.new_audience(told.account, "ready", told.now.timestamp())
    told.sandbox.world.audiences[audience.audience_id] = audience
    for size, ready in ((999, False), (1_000, True)):
        audience.planted_size = size
        assert told.sandbox.world.size(audience) == size
        assert (told.listed()["ready"].ready) is ready


def test_only_the_chosen_fields_leave(told: Stage) -> None:
    """S009, S036: the step asks for phones; no e-mail of anybody reaches TikTok."""
    told.import_people(
        "external_id,email,phone,consent\n"
        "ana,ana@example.com,+351912345678,granted\n"
        "bruno,bruno@example.com,,granted"
    )
    version = told.launch(canvas(add=sync(fields="phone")))
    told.wait(seconds=6)
    held = told.sandbox.members(told.audience_ref("winback"))
    assert {name: len(keys) for name, keys in held.items() if keys} == {"phone": 1}
    assert told.counters(version, "add") == Change(2, 2, synced=1, not_synced=1, exited=2)


def test_a_filter_on_a_number_chooses_who_spends_most(told: Stage) -> None:
    """S003, S005: whoever ordered five times or more is worth an advertisement."""
    told.import_people(PEOPLE)
    told.launch(canvas(entry="at: launch, filter: {attribute: orders, at_least: 5}", add=sync()))
    told.wait(seconds=6)
    assert told.at_tiktok("winback") == {"ana", "chiara"}


def test_a_filter_on_a_time_chooses_who_stays_away(told: Stage) -> None:
    """S006: whoever was not seen since the summer of 2025 is looked for elsewhere."""
    told.import_people(PEOPLE)
    entry = "at: launch, filter: {attribute: last_seen, before: 2025-06-01T00:00:00Z}"
    told.launch(canvas(entry=entry, add=sync()))
    told.wait(seconds=6)
    assert told.at_tiktok("winback") == {"bruno", "chiara"}


def test_a_decision_split_asks_who_people_are_when_they_arrive(told: Stage) -> None:
    """S003: Eva's country was Portugal at the entry; it is Brazil when she comes to the split."""
    told.import_people(PEOPLE)
    version = told.launch(
        canvas(
            wait="{kind: delay, for: 10m, next: split}",
            split="{kind: decision_split, if: {attribute: country, is: BR}, yes: add, no: end}",
            add=sync(),
            end=EXIT,
        )
    )
    told.wait(minutes=5)
    told.import_people("external_id,email,country,consent\neva,eva@example.com,BR,granted")
    told.wait(minutes=6)
    assert told.counters(version, "split") == Change(entered=5, advanced=5)
    assert told.counters(version, "end") == Change(entered=1, exited=1)
    assert told.at_tiktok("winback") == {"ana", "bruno", "eva"}


def test_people_of_one_bucket_leave_a_delay_together_never_early(told: Stage) -> None:
    """S048: an hour's delay ends in the bucket of time in which the hour ends."""
    told.people("ana", "bruno")
    came = told.now
    version = told.launch(canvas(wait="{kind: delay, for: 1h, next: end}", end=EXIT))
    told.wait(seconds=1)
    due = due_bucket(came, timedelta(hours=1))
    told.wait(seconds=(due - told.now).total_seconds() - 0.01)
    assert told.counters(version, "end").entered == 0
    told.wait(seconds=0.01)
    assert told.counters(version, "end").entered == 2
    assert timedelta(hours=1) <= told.now - came < timedelta(hours=1, seconds=3)


def test_people_enter_when_the_canvas_says_so(told: Stage) -> None:
    """S003: launched now, entered at nine; whoever is imported in between enters too."""
    told.people("ana")
    nine = told.now + timedelta(hours=3)
    version = told.launch(canvas(entry=f'at: "{nine.isoformat()}"', add=sync()))
    told.wait(hours=2)
    told.people("bruno")
    told.wait(minutes=59)
    assert told.counters(version, "add").entered == 0
    told.wait(minutes=2)
    assert told.at_tiktok("winback") == {"ana", "bruno"}


def test_nobody_enters_twice_unless_the_canvas_allows_it(told: Stage) -> None:
    """S003: the Canvas is stopped and launched again; only Bruno is new."""
    told.people("ana")
    told.launch(canvas(add=sync()))
    told.wait(seconds=6)
    told.stop("Winback")
    told.people("bruno")
    again = told.launch(canvas(add=sync()))
    told.wait(seconds=6)
    assert told.counters(again, "add").entered == 1
    assert told.at_tiktok("winback") == {"ana", "bruno"}


def test_whoever_may_enter_again_walks_in_a_lane_of_their_own(told: Stage) -> None:
    """S003, S058: Ana is still on her way when she enters again: she counts twice, and twice she
    reaches the audience; the second time she is synced at once, for she is in it already."""
    text = canvas(
        entry="at: launch, reentry: always",
        wait="{kind: delay, for: 2h, next: add}",
        add=sync(),
    )
    told.people("ana")
    first = told.launch(text)
    told.wait(hours=1)
    told.stop("Winback")
    second = told.launch(text)
    told.wait(seconds=1)
    assert [len(lane) for lane in waves.inside(told.db, told.canvas("Winback").id)] == [1, 1]
    assert len(entries.entered(told.db, told.canvas("Winback").id)) == 1
    told.wait(hours=3)
    assert told.counters(first, "add") == Change(1, 1, synced=1, exited=1)
    assert told.counters(second, "add") == Change(1, 1, synced=1, exited=1)
    assert told.reasons(second, "add") == {"synced": {"known_in": 1}}
    assert len(told.sent()) == 1


def test_re_entry_after_a_time(told: Stage) -> None:
    """S003: seven days after the last entry, not before."""
    text = canvas(entry="at: launch, reentry: {after: 7d}", end=EXIT)
    told.people("ana")
    entered = []
    for wait in ({"days": 6}, {"days": 2}, {"days": 1}):
        version = told.launch(text)
        told.wait(seconds=1)
        entered.append(told.counters(version, "end").entered)
        told.stop("Winback")
        told.now += timedelta(**wait)
    assert entered == [1, 0, 1]


EXIT = "{kind: exit}"
