"""People who want to be sent no more in an upheaval: they withdraw consent, or are erased."""

from typing import TYPE_CHECKING

from towpath.cli.simulation.identities import FIELDS, write
from towpath.people.action import Action
from towpath.people.consent import Consent, ConsentState
from towpath.people.match_field import MatchField
from towpath.people.people_set import union
from towpath.store import erasures, snapshots

if TYPE_CHECKING:
    from towpath.cli.simulation.upheaval_story import UpheavalStory

ALIVE_LEAST = 2


def withdraws(story: "UpheavalStory") -> str:
    """Somebody withdraws consent (I-58)."""
    return _withdraw(story, _somebody(story))


def withdraws_after_the_claim(story: "UpheavalStory") -> str:
    """Somebody withdraws consent when they are claimed, and their keys are not read yet."""
    world, register = story.world, story.register
    story.pass_time(world.setting.windows.flush)
    story.happen(story.claim)
    unread = [one for one in story.records.requests.values() if one.flying and not one.read]
    claimed = sorted(union(one.members for one in unread if one.action is Action.ADD))
    claimed = [one for one in claimed if one in register.values]
    if not claimed:
        return ""
    story.told(_withdraw(story, world.chance.choice(claimed)))
    for deed in (story.load, story.load, story.send, story.send):
        story.happen(deed)
    return "consent was withdrawn after the claim"


def _withdraw(story: "UpheavalStory", number: int) -> str:
    register = story.register
    if number in register.barred:
        return ""
    consent = Consent(ConsentState.WITHDRAWN, "simulated", None)
    write(story, register.names[number], {}, consent)
    register.bar(number, story.world.now)
    register.opted_out.add(number)
    story.world.granted.discard(number)
    story.world.hits["consent withdrawn for good reason"] += 1
    if number in story.records.flying_anywhere():
        story.world.hits["consent withdrawn in flight"] += 1
    return f"{number} withdraws consent"


def grants(story: "UpheavalStory") -> str:
    """Somebody who might not be sent grants consent: from their next arrival on they are."""
    register = story.register
    if not register.barred:
        return ""
    number = story.world.chance.choice(sorted(register.barred))
    consent = Consent(ConsentState.GRANTED, "simulated", None)
    write(story, register.names[number], {}, consent)
    del register.barred[number]
    register.opted_out.discard(number)
    story.world.granted.add(number)
    story.world.hits["consent granted again"] += 1
    return f"{number} grants consent"


def is_erased(story: "UpheavalStory") -> str:
    """Somebody is erased, and whoever shares an identifier with them loses it (I-55)."""
    world, register = story.world, story.register
    if len(register.values) <= ALIVE_LEAST:
        return ""
    number = _somebody(story)
    flying = number in story.records.flying_anywhere()
    name = register.names[number]
    receipt = erasures.erase(world.db, world.workspace, [name], "simulator", world.now)
    story.erased_texts |= set(register.values[number].items())
    register.bury(number, receipt.id, world.now)
    rows = snapshots.keys(world.db)
    register.lose_former(number, {row[0]: set(zip(FIELDS, row[2:], strict=True)) for row in rows})
    for known in (world.everybody, world.granted):
        known.discard(number)
    world.hits["erased"] += 1
    world.hits["erased in flight"] += flying
    return f"{number} is erased, receipt {receipt.id}"


def comes_back(story: "UpheavalStory") -> str:
    """What was erased is handed in again: under the old name, or by somebody else (I-56)."""
    register, chance = story.register, story.world.chance
    texts = sorted(story.erased_texts)
    if not texts:
        return ""
    field, text = chance.choice(texts)
    name = chance.choice([*sorted(register.names[one] for one in register.values), "a new one"])
    done = write(story, name, {MatchField(field): text}, Consent(ConsentState.GRANTED, None, None))
    story.world.hits["erased identifier refused"] += bool(done.refused)
    return f"{name} is handed in with an erased {field}: {len(done.refused)} refused"


def _somebody(story: "UpheavalStory") -> int:
    """Somebody alive, more often of those who are in flight or wanted."""
    register, chance = story.register, story.world.chance
    alive = sorted(register.values)
    flying = [one for one in alive if one in story.records.flying_anywhere()]
    wanted = [one for one in alive if any(one in some for some in register.wishes.values())]
    for likely in (flying, wanted):
        if likely and chance.random() < 0.5:
            return chance.choice(likely)
    return chance.choice(alive)
