"""The same protocol told a person at a time, with a history of requests.

Nothing here knows the ledger package: plain dicts, words and lists. A person's account of a match
field is a history of words, of which only the last counts: `in` (an add was acknowledged),
`perhaps` (may be in), `out`. A request is remembered for ever with the keys that it carried for
each person.
"""

from collections import Counter as Tally
from collections.abc import Iterable
from datetime import datetime
from typing import Any

ADD, REMOVE = "add", "remove"
CONTRARY = {ADD: REMOVE, REMOVE: ADD}
Span = tuple[datetime, datetime]  # now, and when whoever waits is given up


class DisagreementError(AssertionError):
    """The sets and the persons, or TikTok, tell different stories."""


def check(holds: object, message: str) -> None:
    """Raise a DisagreementError unless it holds."""
    if not holds:
        raise DisagreementError(message)


class PersonModel:
    """Persons, their entries, and requests with all that became of them."""

    def __init__(
        self, keys: dict[int, dict[str, str]], withdrawn: set[int], *, foreign: bool
    ) -> None:
        self.keys, self.withdrawn, self.foreign = keys, withdrawn, foreign
        self.known_fields: set[str] = set()
        self.want: dict[int, dict[str, bool]] = {p: {} for p in keys}
        self.words: dict[int, dict[str, list[str]]] = {p: {} for p in keys}
        self.parked: set[tuple[int, str]] = set()
        self.keyless: set[tuple[int, str]] = set()
        self.entries: dict[int, list[dict[str, Any]]] = {p: [] for p in keys}
        self.held: dict[tuple[int, str], datetime] = {}
        self.requests: dict[int, dict[str, Any]] = {}
        self.repeats: dict[tuple[int, str, str], list[datetime]] = {}
        self.flies_in: dict[int, int] = {}
        self.hits: Tally[str] = Tally()

    # What is known.

    def word(self, person: int, name: str) -> str:
        """The last word about a person's key."""
        said = self.words[person].get(name)
        return said[-1] if said else "out"

    def say(self, person: int, name: str, word: str) -> None:
        """Add to the history."""
        self.words[person].setdefault(name, []).append(word)

    def doubt(self, person: int, name: str) -> None:
        """They may be in, as far as we know; whoever is known to be in stays so."""
        if self.word(person, name) != "in":
            self.say(person, name, "perhaps")

    def flying(self, person: int) -> dict[str, Any] | None:
        """The request that a person is in now."""
        number = self.flies_in.get(person)
        return None if number is None else self.requests[number]

    def blocked(self, key: str) -> bool:
        """Has anybody who holds the key withdrawn consent?"""
        return any(key in self.keys[p].values() for p in self.withdrawn)

    def at_goal(self, person: int, action: str, fields: Iterable[str]) -> bool:
        """Is the person where the action wants them?"""
        words = [self.word(person, name) for name in fields if (person, name) not in self.keyless]
        if action == ADD:
            return bool(words) and set(words) == {"in"}
        return bool(words) and set(words) == {"out"}

    def meant(self, person: int, entry: dict[str, Any]) -> bool:
        """Is what the entry asked still wanted?"""
        wishes = [self.want[person].get(name, False) for name in entry["fields"]]
        return all(wanted == (entry["action"] == ADD) for wanted in wishes)

    def is_due(self, person: int, name: str, action: str, now: datetime) -> bool:
        """Must the person's key be sent now?"""
        place = (person, name)
        if place in self.parked or place in self.keyless or self.flying(person):
            return False
        if self.held.get((person, action), now) > now:
            return False
        if action == ADD:
            return bool(self.want[person].get(name)) and self.word(person, name) != "in"
        return not self.want[person].get(name) and self.word(person, name) != "out"

    def due(self, action: str, now: datetime) -> dict[str, set[int]]:
        """Who must be sent now, by field."""
        found = {
            name: {p for p in self.keys if self.is_due(p, name, action, now)}
            for name in sorted(self.known_fields)
        }
        return {name: persons for name, persons in found.items() if persons}

    def counted(self) -> dict[tuple[int, int], tuple[str, str]]:
        """By arrival and person: the counter and the reason, of all who are not pending."""
        return {(e["arrival"], p): e["as"] for p, es in self.entries.items() for e in es if e["as"]}

    def pending(self) -> set[tuple[int, int]]:
        """Who waits in which arrival."""
        return {(e["arrival"], p) for p, es in self.entries.items() for e in es if not e["as"]}

    def _waiting(self, person: int, action: str = "") -> list[dict[str, Any]]:
        return [e for e in self.entries[person] if not e["as"] and action in ("", e["action"])]

    # What happens.

    def arrive(
        self, arrival: int, action: str, asked: set[str], persons: set[int], span: Span
    ) -> None:
        """Persons come to a step."""
        fields = asked | self.known_fields if action == REMOVE else asked
        self.known_fields |= fields
        for person in persons:
            entry: dict[str, Any] = {
                "arrival": arrival,
                "action": action,
                "fields": fields,
                "since": span[0],
                "deadline": span[1],
                "as": None,
            }
            self.entries[person].append(entry)
            entry["as"] = self._kept_out(person, action, fields)
            if not entry["as"]:
                self._come(person, action, fields, entry)

    def _kept_out(self, person: int, action: str, fields: set[str]) -> tuple[str, str] | None:
        if action == ADD and person in self.withdrawn:
            return "not_synced", "no_consent"
        held = [self.keys[person][name] for name in fields if name in self.keys[person]]
        if not held:
            return "not_synced", "no_match_key"
        blocked = action == ADD and all(self.blocked(key) for key in held)
        return ("not_synced", "blocked") if blocked else None

    def _come(self, person: int, action: str, fields: set[str], entry: dict[str, Any]) -> None:
        request = self.flying(person)
        for old in self._waiting(person, CONTRARY[action]):
            if request is None or request["action"] != old["action"]:
                old["as"] = ("not_synced", "superseded")
        for name in fields:
            self.want[person][name] = action == ADD
            self.parked.discard((person, name))
            key = self.keys[person].get(name)
            missing = key is None or (action == ADD and self.blocked(key))
            (self.keyless.add if missing else self.keyless.discard)((person, name))
            if action == REMOVE and self.foreign and not missing:
                self.doubt(person, name)
        leaving = action == ADD and any(
            r["state"] == "flying" and r["action"] == REMOVE and person in r["coholders"]
            for r in self.requests.values()
        )
        if leaving:
            self.hits["arrived while a co-holder's removal flies"] += 1
        if request is None and not leaving and self.at_goal(person, action, fields):
            entry["as"] = ("synced", "known_in" if action == ADD else "already_out")

    def keep(self, action: str, fields: set[str], persons: set[int]) -> dict[int, set[str]]:
        """By person: fields whose key stays behind, because somebody else wants it in."""
        found: dict[int, set[str]] = {person: set() for person in persons}
        for person in persons:
            for name in fields & set(self.keys[person]):
                key = self.keys[person][name]
                if action == ADD:
                    if self.blocked(key):
                        self._without_key(person, name)
                    continue
                others = [
                    q
                    for q, keys in self.keys.items()
                    if keys.get(name) == key and self.want[q].get(name) and not self.blocked(key)
                ]
                if others:
                    found[person].add(name)
                    for other in others:
                        if (other, name) not in self.keyless:
                            self.doubt(other, name)
        return found

    def stop(self, action: str, fields: set[str], persons: set[int]) -> None:
        """Nothing was sent for these persons, since others want every key of theirs."""
        kept = self.keep(action, fields, persons)
        for person in persons:
            for name in fields:
                left = name in kept[person] or (person, name) in self.keyless
                check(left, f"{person}'s {name} was left out, though nobody wants it")
                self.say(person, name, "out")
            for entry in self._waiting(person, action):
                entry["as"] = ("not_synced", "still_wanted")

    def claim(
        self,
        number: int,
        action: str,
        fields: set[str],
        persons: set[int],
        started: datetime,
        lease: datetime,
    ) -> set[str]:
        """A request leaves, if every rule allows it. Gives the keys that it must carry."""
        kept = self.keep(action, fields, persons)
        sent: dict[int, dict[str, str]] = {}
        shared: set[int] = set()
        for p in persons:
            check(not self.flying(p), f"{p} is in two requests")
            for name in fields:
                allowed = (p, name) in self.keyless or self.is_due(p, name, action, started)
                check(allowed, f"{p}'s {name} was claimed to {action}, and is not due")
            check(fields - {n for n in fields if (p, n) in self.keyless}, f"{p} has no key to send")
            has = {n: k for n, k in self.keys[p].items() if n in fields}
            sent[p] = {
                n: k for n, k in has.items() if n not in kept[p] and (p, n) not in self.keyless
            }
            if any(self._holders(k) - {p} for k in has.values()):
                shared.add(p)
        keys = [key for of_person in sent.values() for key in of_person.values()]
        check(len(keys) == len(set(keys)), "a key twice in one request")
        for other in self.requests.values():
            if other["state"] == "flying":
                check(not other["keys"] & set(keys), "two requests in flight for one key")
        self.requests[number] = {
            "action": action,
            "fields": fields,
            "sent": sent,
            "keys": set(keys),
            "missing": {(p, n) for p in persons for n in fields if n not in self.keys[p]},
            "coholders": set().union(*(self._holders(k) for k in keys)) - persons,
            "shared": shared,
            "started": started,
            "lease": lease,
            "state": "flying",
        }
        self.flies_in |= dict.fromkeys(persons, number)
        return set(keys)

    def _holders(self, key: str) -> set[int]:
        return {p for p, keys in self.keys.items() if key in keys.values()}

    def settle(
        self, number: int, state: str, window: datetime | None, held_until: datetime | None
    ) -> None:
        """An answer, or the end of the lease: applied, refused or unknown."""
        request = self.requests[number]
        if request["state"] != "flying":
            self.hits["late answer logged"] += 1
            return
        request["state"], request["window"] = state, window
        for person in request["sent"]:
            del self.flies_in[person]
        action, fields = request["action"], request["fields"]
        for person, name in request["missing"]:
            self._without_key(person, name)
        for person in request["sent"]:
            if held_until is not None:
                self.held[person, action] = held_until
            for name in fields:
                self._learn(request, person, name)
        if action == REMOVE and state != "refused":
            self._doubt_coholders(request)
        if state == "applied":
            self._owe_repeats(request)
        self._close(request)

    def _without_key(self, person: int, name: str) -> None:
        self.keyless.add((person, name))
        if self.word(person, name) == "perhaps":
            self.say(person, name, "out")

    def _learn(self, request: dict[str, Any], person: int, name: str) -> None:
        state, carried = request["state"], name in request["sent"][person]
        if state == "refused":
            return
        if request["action"] == ADD:
            if carried and state == "applied":
                self.say(person, name, "in")
            elif carried:
                self.doubt(person, name)
        elif state == "applied":
            self.say(person, name, "out")
        elif (person, name) not in self.keyless:
            self.say(person, name, "perhaps")

    def _doubt_coholders(self, request: dict[str, Any]) -> None:
        for other in request["coholders"]:
            for name in self.known_fields:
                if self.word(other, name) == "in":
                    self.say(other, name, "perhaps")
                    self.hits["co-holder of a removed key doubted"] += 1

    def _owe_repeats(self, request: dict[str, Any]) -> None:
        """A key that a contrary request carried too is repeated when that one's window ends."""
        for old in self.requests.values():
            if old["action"] == request["action"] or old.get("window") is None:
                continue
            if old["window"] <= request["started"]:
                continue
            for person, keys in request["sent"].items():
                for name, key in keys.items():
                    if key in old["keys"]:
                        self.hits["repeat owed: " + request["action"]] += 1
                        owed = self.repeats.setdefault((person, request["action"], name), [])
                        owed.append(old["window"])

    def _close(self, request: dict[str, Any]) -> None:
        state, action = request["state"], request["action"]
        for person in request["sent"]:
            for entry in self._waiting(person, action):
                if state == "applied" and self.at_goal(person, action, entry["fields"]):
                    entry["as"] = ("synced", "acknowledged")
                elif not self.meant(person, entry):
                    entry["as"] = ("not_synced", "superseded")
        for person in set(request["sent"]) | request["coholders"]:
            if not self.flying(person):
                self._close_at_goal(person)
        for person in request["sent"]:
            for entry in self._waiting(person):
                gone = all((person, name) in self.keyless for name in entry["fields"])
                if gone and self.meant(person, entry):
                    entry["as"] = ("not_synced", "no_match_key")
                    self.hits["found without a key"] += 1

    def _close_at_goal(self, person: int) -> None:
        for entry in self._waiting(person):
            action = entry["action"]
            if self.meant(person, entry) and self.at_goal(person, action, entry["fields"]):
                entry["as"] = ("synced", "known_in" if action == ADD else "already_out")
                self.hits["closed at goal"] += 1

    # Time.

    def tick(self, now: datetime) -> None:
        """Windows that ended, and persons whose time is over."""
        for (person, action, name), owed in self.repeats.items():
            if owed and max(owed) <= now:
                owed.clear()
                self.hits["repeated: " + action] += 1
                if action == REMOVE and (person, name) not in self.keyless:
                    self.doubt(person, name)
                elif action == ADD and self.word(person, name) == "in":
                    self.say(person, name, "perhaps")
        for person in self.entries:
            gave_up = [e for e in self._waiting(person) if self._is_over(person, e, now)]
            for entry in gave_up:
                entry["as"] = ("errored", "gave_up")
            for entry in gave_up:
                if self.meant(person, entry):
                    still = [e["fields"] for e in self._waiting(person, entry["action"])]
                    over = set(entry["fields"]) - set().union(*still)
                    self.parked |= {(person, name) for name in over}
                    self.hits["parked"] += bool(over)

    def _is_over(self, person: int, entry: dict[str, Any], now: datetime) -> bool:
        if entry["deadline"] > now:
            return False
        tried = any(
            r["action"] == entry["action"]
            and r["state"] != "flying"
            and person in r["sent"]
            and r["started"] >= entry["since"]
            for r in self.requests.values()
        )
        self.hits["over, but never tried"] += not tried
        return tried

    def retry_by_hand(self, persons: set[int], span: Span) -> None:
        """Errored persons wait again, if the same is still wanted of them."""
        for person in persons:
            self.parked -= {(person, name) for name in self.known_fields}
            for entry in self.entries[person]:
                if entry["as"] == ("errored", "gave_up") and self.meant(person, entry):
                    entry["as"] = None
                    self._begin_anew(entry["arrival"], span)
                    self.hits["retried by hand"] += 1
        for person in persons:
            if not self.flying(person):
                self._close_at_goal(person)

    def _begin_anew(self, arrival: int, span: Span) -> None:
        """All who wait in an arrival wait for a whole window again."""
        for entries in self.entries.values():
            for entry in entries:
                if entry["arrival"] == arrival:
                    entry["since"], entry["deadline"] = span
