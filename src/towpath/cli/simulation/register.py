"""Who is who in an upheaval, by heart: identifiers in clear, consent, wishes, and who was erased.

Kept by what happens alone, never by what the engine makes of it: checkers hold the two together.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from towpath.cli.simulation.door import Key
from towpath.clock import Instant
from towpath.ids import AudienceId
from towpath.people.match_field import MatchField
from towpath.people.normalise import CURRENT_RULE

Wishes = dict[tuple[AudienceId, MatchField], set[int]]


@dataclass(slots=True)
class Register:
    """People by their numbers; only who is alive has `values`."""

    names: dict[int, str] = field(default_factory=dict)
    values: dict[int, dict[MatchField, str]] = field(default_factory=dict)
    rule: int = CURRENT_RULE
    """By which version of the rules keys are made in the end."""
    barred: dict[int, Instant] = field(default_factory=dict)
    """Who may not be sent, and since when."""
    opted_out: set[int] = field(default_factory=set)
    """Who said no: their keys may not be sent though others hold them too."""
    wishes: Wishes = field(default_factory=dict)
    """Who is to be in an audience by a field: the last that arrivals, consent and erasure said."""
    ever: dict[Key, set[int]] = field(default_factory=dict)
    """Every key that there ever was, and who held it."""
    touchy: set[Key] = field(default_factory=set)
    """Keys that somebody held who might not be sent: whether another's comes back is not judged."""
    gained_late: set[Key] = field(default_factory=set)
    """Keys of who said no when they were not in, or before they had the key: others stay by it."""
    buried: dict[Key, Instant] = field(default_factory=dict)
    """Keys of who was erased, and since when."""
    erasures: dict[int, set[Key]] = field(default_factory=dict)
    """By receipt: the keys that must be out when it is confirmed."""
    confirmed: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    cut_at: Instant | None = None
    """Since when the connection is cut."""
    lowered: bool = False
    """Has TikTok lowered its limits, so that it may refuse whoever keeps the old ones?"""
    allowed: tuple[MatchField, ...] = tuple(MatchField)
    """Match fields that the workspace lets out."""
    fresh: int = 0

    def key(self, name: MatchField, text: str) -> Key:
        """The key of an identifier by the rules of now."""
        return name, digest(text, self.rule)

    def keys(self, number: int) -> set[Key]:
        """The keys that somebody holds."""
        return {self.key(name, text) for name, text in self.values.get(number, {}).items()}

    def holders(self, key: Key) -> set[int]:
        """Who is alive and holds the key."""
        name, found = key
        return {
            number
            for number, held in self.values.items()
            if name in held and digest(held[name], self.rule) == found
        }

    def give(self, number: int, name: MatchField, text: str | None) -> None:
        """From now on this is their identifier; None: they have none."""
        if text is None:
            self.values[number].pop(name, None)
        else:
            self.values[number][name] = text
            if number in self.barred:
                self.gained_late.add(self.key(name, text))
        self.note_keys()

    def note_keys(self) -> None:
        """Remember every key that there is now, and whose may not be sent."""
        for number in self.values:
            for key in self.keys(number):
                self.ever.setdefault(key, set()).add(number)
                if number in self.barred:
                    self.touchy.add(key)

    def new_text(self, name: MatchField) -> str:
        """An identifier that nobody ever had."""
        self.fresh += 1
        return f"{name} new {self.fresh}"

    def want(
        self,
        audience: AudienceId,
        fields: tuple[MatchField, ...],
        members: set[int],
        *,
        there: bool,
    ) -> None:
        """These people are to be in the audience by these fields, or out of it."""
        for name in fields:
            wanted = self.wishes.setdefault((audience, name), set())
            wanted.difference_update(members)
            if there:
                wanted |= members

    def want_nowhere(self, members: set[int]) -> None:
        """These people are to be in no audience."""
        for wanted in self.wishes.values():
            wanted.difference_update(members)

    def bar(self, number: int, now: Instant) -> None:
        """They may not be sent from now on."""
        self.barred.setdefault(number, now)
        for key in self.keys(number):  # where they are not in, a co-holder's wish keeps the key
            if any(number not in one for (_, name), one in self.wishes.items() if name is key[0]):
                self.gained_late.add(key)
        self.want_nowhere({number})
        self.note_keys()

    def bury(self, number: int, receipt: int, now: Instant) -> None:
        """They are erased, and whoever shares an identifier with them loses it."""
        keys = self.keys(number)
        self.buried |= dict.fromkeys(keys, now)
        self.want_nowhere({number})
        self.values.pop(number)
        self.barred.pop(number, None)
        self.gone.add(number)
        for other in self.values:
            self._strip(other, keys)
        former = {key for key, held in self.ever.items() if number in held}
        self.erasures[receipt] = {key for key in former if not self.holders(key)}

    def lose_former(self, number: int, alive: dict[int, set[Key]]) -> None:
        """Whoever holds what the erased held before may lose it too, as long as it was not out."""
        former = {key for key, held in self.ever.items() if number in held}
        for other in self.values:
            self._strip(other, former - alive.get(other, set()))

    def _strip(self, number: int, keys: set[Key]) -> None:
        for name, text in list(self.values[number].items()):
            if self.key(name, text) in keys:
                del self.values[number][name]


def digest(text: str, rule: int = CURRENT_RULE) -> bytes:
    """The digest of an identifier: the second version of the rules reads e-mails otherwise."""
    other = rule != CURRENT_RULE and text.startswith(MatchField.EMAIL)
    return sha256((f"by rule {rule}: {text}" if other else text).encode()).digest()
