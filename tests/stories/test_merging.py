"""Stories of people who go: merged into another, or deleted. What of theirs leaves TikTok."""

from collections.abc import Sequence
from datetime import timedelta

from tests.stories.stage import Stage

from towpath.ids import VersionId
from towpath.limits import FLUSH_S
from towpath.people.people_set import people
from towpath.store import deletions, exit_sets, merges

WINBACK = """
canvas: Winback
entry: {at: launch, first: add}
steps:
  add:
    kind: audience_sync
    partner: tiktok
    ad_account: "ACCOUNT"
    audience: {create: winback}
    action: add
    fields: [email]
    next: wait
  wait: {kind: delay, for: 30d}
"""


def number_of(told: Stage, name: str) -> int:
    """The profile number behind an external id."""
    row = told.db.execute("select number from profile where external_id = %s", (name,)).fetchone()
    assert row is not None
    return int(row[0])


def merge(told: Stage, pairs: Sequence[tuple[str, str]]) -> None:
    """The first of each pair is merged into the second."""
    numbers = [(number_of(told, one), number_of(told, other)) for one, other in pairs]
    merges.merge(told.db, told.workspace, numbers, told.now)


def delete(told: Stage, *names: str) -> None:
    """These people are deleted."""
    members = people(number_of(told, name) for name in names)
    assert deletions.delete(told.db, told.workspace, members, told.now) == len(names)


def leaving(told: Stage, version: VersionId) -> int:
    """How many have left the Canvas from the delay, or are to leave it."""
    waiting = exit_sets.waiting(told.db, told.canvas("Winback").id)
    return told.counters(version, "wait").exited + sum(map(len, waiting.values()))


def test_a_deleted_person_leaves_the_audience(told: Stage) -> None:
    """Ana and Bruno are at TikTok. Ana is deleted: within seconds she is taken out; Bruno stays,
    and her exit from the Canvas is asked for."""
    told.people("ana", "bruno")
    version = told.launch(WINBACK)
    told.wait(seconds=6)
    assert told.at_tiktok("winback") == {"ana", "bruno"}
    delete(told, "ana")
    told.wait(seconds=6)
    assert told.at_tiktok("winback") == {"bruno"}
    assert leaving(told, version) == 1


def test_who_is_deleted_while_waiting_is_never_sent(told: Stage) -> None:
    """Ana has come to the step and waits for the flush: she is not synced, and nothing is sent."""
    told.people("ana")
    version = told.launch(WINBACK)
    told.work()
    assert told.counters(version, "add").pending == 1
    delete(told, "ana")
    told.wait(seconds=6)
    assert told.reasons(version, "add") == {"not_synced": {"superseded": 1}}
    assert told.sent() == []


def test_who_is_deleted_before_a_claimed_request_leaves_is_not_in_it(told: Stage) -> None:
    """Consent is looked at again when the request is built: only Bruno is in it, and Ana's removal
    follows all the same."""
    told.people("ana", "bruno")
    version = told.launch(WINBACK)
    told.work()
    told.now += timedelta(seconds=FLUSH_S)
    told.sender.tick(told.now)
    assert len(told.sender.outbox) == 1
    delete(told, "ana")
    told.work()
    told.wait(seconds=20)
    assert told.counters(version, "add").synced == 1
    assert told.counters(version, "add").not_synced == 1
    assert told.at_tiktok("winback") == {"bruno"}
    assert [row.action for row in told.sent()] == ["add", "delete"]


def test_a_merged_persons_own_key_leaves_and_a_shared_one_stays(told: Stage) -> None:
    """Ana and Bruno are in by their own e-mails; ana2 has Ana's e-mail and is in too. Bruno is
    merged into Ana, who has an e-mail: his leaves. ana2 is merged into Ana: hers stays, since Ana
    is wanted."""
    told.import_people(
        "external_id,email,consent\nana2,ana@example.com,granted\n"
        "bruno,bruno@example.com,granted\nana,ana@example.com,granted"
    )
    version = told.launch(WINBACK)
    told.wait(seconds=20)
    assert told.at_tiktok("winback") == {"ana", "bruno"}
    merge(told, [("bruno", "ana"), ("ana2", "ana")])
    told.wait(seconds=20)
    assert told.at_tiktok("winback") == {"ana"}
    assert leaving(told, version) == 2


def test_a_survivor_who_is_not_wanted_does_not_keep_the_key(told: Stage) -> None:
    """Bruno comes after the launch, without an e-mail. Ana is merged into him: he has her e-mail
    now, but no Canvas wanted him in the audience, so it is taken out."""
    told.people("ana")
    told.launch(WINBACK)
    told.wait(seconds=6)
    told.import_people("external_id,consent\nbruno,granted")
    merge(told, [("ana", "bruno")])
    told.wait(seconds=6)
    assert told.at_tiktok("winback") == set()


def test_who_has_been_in_does_not_enter_again_under_another_name(told: Stage) -> None:
    """Ana was in the Canvas, which nobody enters twice. Merged into Bruno, she is him: he does not
    enter when it runs again, and Carla does."""
    told.people("ana")
    told.launch(WINBACK)
    told.wait(seconds=6)
    told.people("bruno", "carla")
    merge(told, [("ana", "bruno")])
    told.stop("Winback")
    version = told.launch(WINBACK)
    told.wait(seconds=6)
    assert told.counters(version, "add").entered == 1
    assert told.at_tiktok("winback") == {"carla"}
