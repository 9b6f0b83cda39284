"""What befalls people's identifiers in an upheaval: they change, come and go, and are shared.

All goes through the store's own door, as an import or a call of the API would.
"""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from towpath.cli.simulation.register import digest
from towpath.people.columns import Refusal
from towpath.people.consent import Consent
from towpath.people.match_field import MatchField
from towpath.people.normalise import CURRENT_RULE, RULES, Normalised, RuleSet
from towpath.people.profile import Identifier, PeopleBatch
from towpath.store import profiles
from towpath.store.profiles import Upserted

if TYPE_CHECKING:
    from towpath.cli.simulation.upheaval_story import UpheavalStory

FIELDS = (MatchField.EMAIL, MatchField.PHONE)


def write(
    story: "UpheavalStory",
    name: str,
    keys: dict[MatchField, str | None],
    consent: Consent | None = None,
) -> Upserted:
    """Write a row of one person; an identifier that is None goes."""
    row: dict[str, Any] = {one.name: [None] for one in fields(PeopleBatch)}
    row |= {"external_id": [name], "consent": [consent]}
    row |= {
        field.value: [Identifier(text, digest(text))]
        for field, text in keys.items()
        if text is not None
    }
    lost = {field.value: None for field, text in keys.items() if text is None}
    row |= {"attributes": [lost or None]}
    world = story.world
    return profiles.upsert(world.db, world.workspace, PeopleBatch(**row), world.now)


def changes(story: "UpheavalStory") -> str:
    """An identifier becomes another, now and then one that they had before (I-27)."""
    register, chance = story.register, story.world.chance
    number, name = _somebody_with_one(story)
    if number is None:
        return ""
    former = [
        text
        for text in story.former.get((number, name), [])
        if register.key(name, text) not in register.buried
    ]
    back = bool(former) and chance.random() < 0.3
    text = chance.choice(former) if back else register.new_text(name)
    story.world.hits["identifier changed back" if back else "identifier changed"] += 1
    return _give(story, number, name, text)


def is_lost(story: "UpheavalStory") -> str:
    """An identifier is deleted."""
    number, name = _somebody_with_one(story)
    if number is None:
        return ""
    story.world.hits["identifier lost"] += 1
    return _give(story, number, name, None)


def is_gained(story: "UpheavalStory") -> str:
    """Somebody tells an identifier that they never told."""
    register, chance = story.register, story.world.chance
    without = [
        (number, name)
        for number, held in sorted(register.values.items())
        for name in FIELDS
        if name not in held
    ]
    if not without:
        return ""
    number, name = chance.choice(without)
    story.world.hits["identifier gained"] += 1
    return _give(story, number, name, register.new_text(name))


def is_shared(story: "UpheavalStory") -> str:
    """Somebody has the identifier of somebody else from now on (I-28)."""
    register, chance = story.register, story.world.chance
    giver, name = _somebody_with_one(story)
    others = sorted(register.values.keys() - {giver})
    if giver is None or not others:
        return ""
    story.world.hits["identifier shared"] += 1
    return _give(story, chance.choice(others), name, register.values[giver][name])


def rules_change(story: "UpheavalStory") -> str:
    """From now on e-mails are read by other rules, and every key is made anew (I-29)."""
    register = story.register
    if register.rule != CURRENT_RULE:
        return ""
    register.rule = NEWER.version
    register.note_keys()
    for worker in story.workers:
        worker.deadlines.rules = NEWER
    story.world.hits["rules of normalising changed"] += 1
    return "e-mails are read by other rules"


def _by_newer_rules(text: str, _country: str | None = None) -> Normalised | Refusal:
    return Normalised(text, digest(text, CURRENT_RULE + 1))


NEWER = RuleSet(
    CURRENT_RULE + 1,
    "simulated",
    "simulated",
    {**RULES[CURRENT_RULE].readers, **dict.fromkeys(FIELDS, _by_newer_rules)},
)


def _somebody_with_one(story: "UpheavalStory") -> tuple[int | None, MatchField]:
    """Somebody with an identifier, more often of those who are wanted somewhere."""
    register, chance = story.register, story.world.chance
    some = [(number, name) for number, held in sorted(register.values.items()) for name in held]
    wanted = set().union(*register.wishes.values())
    likely = [one for one in some if one[0] in wanted]
    if not some:
        return None, MatchField.EMAIL
    return chance.choice(likely if likely and chance.random() < 0.8 else some)


def _give(story: "UpheavalStory", number: int, name: MatchField, text: str | None) -> str:
    register = story.register
    done = write(story, register.names[number], {name: text})
    if done.refused:  # somebody who was erased held it before, and it is not out yet
        return f"the {name.value} {text!r} of {number} is refused"
    if (before := register.values[number].get(name)) is not None:
        story.former.setdefault((number, name), []).append(before)
    register.give(number, name, text)
    if number in story.records.flying_anywhere():
        story.world.hits["identifier changed in flight"] += 1
    return f"the {name.value} of {number} is {text!r} now"
