"""Stories of audiences: made with the draft, taken as they are, filled and emptied."""

from hashlib import sha256

import pytest
from tests.stories.stage import Stage

from towpath.errors import PartnerError
from towpath.partners.tiktok.limits import AUDIENCES_PER_AD_ACCOUNT_MAX
from towpath.sandbox.caller import Caller
from towpath.store.tallies import Change

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
  wait: {kind: delay, for: 1h, next: remove}
  remove:
    kind: audience_sync
    partner: tiktok
    ad_account: "ACCOUNT"
    audience: {create: winback}
    action: remove
    fields: [email]
"""
EXISTING = """
canvas: Loyal
entry: {at: launch, first: sync}
steps:
  sync:
    kind: audience_sync
    partner: tiktok
    ad_account: "ACCOUNT"
    audience: {WHICH}
    action: ACTION
    fields: [email]
"""


def test_a_new_audience_is_made_with_the_draft_and_a_later_step_removes_from_it(
    told: Stage,
) -> None:
    """S002, S036, S037, S039, S040, S047, S048: Ana and Bruno are added within seconds of their
    arrival; an hour later the same draft's removal step takes them out again."""
    told.people("ana", "bruno")
    told.apply(WINBACK)
    assert [one.name for one in told.sandbox.world.audiences.values()] == ["winback"]
    version = told.launch(WINBACK)
    told.wait(seconds=6)
    assert told.at_tiktok("winback") == {"ana", "bruno"}
    told.wait(minutes=61)
    assert told.at_tiktok("winback") == set()
    added = told.counters(version, "add")
    assert added == Change(entered=2, advanced=2, synced=2)
    removed = told.counters(version, "remove")
    assert removed == Change(entered=2, advanced=2, synced=2, exited=2)
    assert [one.name for one in told.sandbox.world.audiences.values()] == ["winback"]


@pytest.mark.parametrize("by", ["name", "id"])
def test_people_are_added_to_an_existing_audience_whose_others_are_left_alone(
    told: Stage, by: str
) -> None:
    """S035, S041, S042, S043: Chiara is in TikTok's audience already, by another way. Ana joins her
    there; the audience is named by its name or by its id."""
    told.people("ana")
    audience = _others(told, "loyal", "chiara@example.com")
    which = "create: loyal" if by == "name" else f'id: "{audience}"'
    text = EXISTING.replace("WHICH", which).replace("ACTION", "add")
    assert told.findings(text) == []
    told.launch(text)
    told.wait(seconds=6)
    held = told.sandbox.members(audience)["email"]
    assert held == {_key("ana@example.com"), _key("chiara@example.com")}
    assert len(told.sandbox.world.audiences) == 1


def test_people_are_removed_from_an_audience_that_others_filled(told: Stage) -> None:
    """S007, S041: the audience suppresses nobody who came back: Dmitri, whom another tool had put
    there, is removed; Chiara, who is no user of ours, stays."""
    told.people("dmitri")
    audience = _others(told, "loyal", "dmitri@example.com", "chiara@example.com")
    text = EXISTING.replace("WHICH", f'id: "{audience}"').replace("ACTION", "remove")
    version = told.launch(text)
    told.wait(seconds=6)
    assert told.sandbox.members(audience)["email"] == {_key("chiara@example.com")}
    assert told.counters(version, "sync").synced == 1


def test_an_audience_that_does_not_exist_is_a_finding(told: Stage) -> None:
    """S042: an id that the ad account does not have is told before the launch."""
    text = EXISTING.replace("WHICH", 'id: "123"').replace("ACTION", "add")
    assert [finding.code for finding in told.findings(text)] == ["audience_unknown"]


def test_whoever_comes_back_is_added_again(told: Stage) -> None:
    """S039: added, removed an hour later, and added by another Canvas the day after."""
    told.people("eva")
    told.launch(WINBACK)
    told.wait(hours=2)
    assert told.at_tiktok("winback") == set()
    told.launch(EXISTING.replace("WHICH", "create: winback").replace("ACTION", "add"))
    told.wait(minutes=1)
    assert told.at_tiktok("winback") == {"eva"}


def test_the_401st_audience_of_an_ad_account_is_refused_in_words(told: Stage) -> None:
    """S038, S081: TikTok keeps at most 400; whoever applies the draft is told."""
    world = told.sandbox.world
    for number in range(AUDIENCES_PER_AD_ACCOUNT_MAX):
        made = world.new_audience(told.account, f"audience {number}", told.now.timestamp())
        world.audiences[made.audience_id] = made
    with pytest.raises(PartnerError, match="At most 400 audiences") as refused:
        told.apply(WINBACK)
    assert refused.value.remedy


def test_a_lost_answer_makes_no_second_audience(told: Stage) -> None:
    """S037, S038: TikTok makes the audience, but its answer is lost; it is found by its name."""
    told.sandbox.next_faults(["reset_applied"], "segment/audience/")
    told.apply(WINBACK)
    assert [one.name for one in told.sandbox.world.audiences.values()] == ["winback"]


def _key(email: str) -> str:
    return sha256(email.encode()).hexdigest()


def _others(told: Stage, name: str, *emails: str) -> str:
    """An audience at TikTok that another tool made and filled."""
    caller = Caller(told.sandbox)
    audience = caller.create(name)
    rows = [{"EMAIL_SHA256": _key(email)} for email in emails]
    told.sandbox.handle(caller.mapping("add", audience, rows))
    return audience
