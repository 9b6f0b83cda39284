"""What must come out of the demo: a second, plain reading of people.csv, the Canvas and the rules.

It is a witness and imports nothing of Towpath: a person at a time, no database, no sets of numbers.
"Section 5" in the comments is the architecture's, The audience ledger.

It reads Canvases like the demo's: everybody enters once at launch, one audience, the steps delay,
decision_split, audience_sync and exit, no loops, and all who reach a step reach it together.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from towpath.cli.demo.normal_form import email_key, phone_key

CANVAS_FILE = Path(__file__).with_name("canvas.yaml")

Key: TypeAlias = str
"""A match key: "email:" or "phone:", then the SHA-256 of the normal form in small hex digits."""


@dataclass(frozen=True)
class Person:
    """A row of the file. An empty cell is no attribute; a bad e-mail or phone is no key."""

    external_id: str
    attributes: Mapping[str, str]
    consent: str
    keys: Mapping[str, Key]  # by match field

    def keys_of(self, fields: Iterable[str]) -> list[Key]:
        """The keys that a step with these match fields can send."""
        return [self.keys[name] for name in fields if name in self.keys]


@dataclass
class StepReading:
    """A step's counters. `edges`: how many left along each arrow; the others stand for a sync step.

    `not_synced` is by reason. Nothing is pending or errored at the end.
    """

    kind: str
    entered: int = 0
    advanced: int = 0
    synced: int = 0
    not_synced: dict[str, int] = field(default_factory=dict)
    exited: int = 0
    edges: dict[str, int] = field(default_factory=dict)


@dataclass
class Reading:
    """What must come out: people in the file, entries, each step's counters, and the audience."""

    people: int
    entered: int
    steps: dict[str, StepReading]
    expected_keys: frozenset[Key]

    def to_data(self) -> dict[str, Any]:
        """All of it for JSON; of the keys their count and `keys_digest`."""
        return {
            "people": self.people,
            "entered": self.entered,
            "steps": {name: asdict(step) for name, step in self.steps.items()},
            "expected_keys": {
                "count": len(self.expected_keys),
                "sha256": keys_digest(self.expected_keys),
            },
        }


def keys_digest(keys: Iterable[Key]) -> str:
    """SHA-256, in hex, over the sorted keys, one a line: two equal audiences have the same."""
    return sha256("\n".join(sorted(keys)).encode()).hexdigest()


def read_people(csv_path: Path, canvas: Path | Mapping[str, Any] = CANVAS_FILE) -> Reading:
    """Read the file and the Canvas, and say what must come out; about 5 s for 100,000 people.

    `canvas` is a Canvas file or what it says. Raises ValueError for a Canvas that this reading does
    not know how to read or a person who is in the file twice, OSError when a file cannot be read.
    """
    people = read_rows(csv_path)
    # BaseLoader leaves every scalar the text that was written; YAML 1.1 reads yes and no as truth.
    graph = (
        yaml.BaseLoader(canvas.read_text(encoding="utf-8")).get_single_data()
        if isinstance(canvas, Path)
        else canvas
    )
    return _Walk(people, graph).reading()


def read_rows(csv_path: Path) -> list[Person]:
    """The people of a file, in its order. Raises ValueError for one who is in it twice."""
    people: dict[str, Person] = {}
    with csv_path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            person = _person(row)
            if person.external_id in people:
                raise ValueError(f"{person.external_id} is in {csv_path.name} twice")
            people[person.external_id] = person
    return list(people.values())


def _person(row: Mapping[str, str]) -> Person:
    # "orders:number" is the column orders, whose cells are numbers.
    cells = {column.partition(":")[0]: cell for column, cell in row.items() if cell}
    found = {
        "email": email_key(cells.get("email", "")),
        "phone": phone_key(cells.get("phone", ""), cells.get("country")),
    }
    return Person(
        external_id=cells["external_id"],
        attributes=cells,
        consent=cells.get("consent", "unknown"),
        keys={name: f"{name}:{digest}" for name, digest in found.items() if digest},
    )


def _condition(rule: Mapping[str, Any]) -> Callable[[Person], bool]:
    """A filter of one attribute. Who does not have the attribute does not match."""
    name = str(rule["attribute"])
    match next(((word, rule[word]) for word in rule if word != "attribute"), None):
        case ("in", values):
            wanted = {str(value) for value in values}
            return lambda person: person.attributes.get(name) in wanted
        case ("at_least", bound):
            least = float(bound)
            return lambda person: name in person.attributes and _number(person, name) >= least
        case ("below", bound):
            end = float(bound)
            return lambda person: name in person.attributes and _number(person, name) < end
        case other:
            raise ValueError(f"this reading knows in, at_least and below, not {other}")


def _number(person: Person, name: str) -> float:
    return float(person.attributes[name])


class _Walk:
    """Everybody's walk through the Canvas, a step at a time."""

    def __init__(self, people: list[Person], canvas: Mapping[str, Any]) -> None:
        self._people = people
        self._canvas = canvas
        self._steps: Mapping[str, Mapping[str, Any]] = canvas["steps"]
        self._readings = {name: StepReading(step["kind"]) for name, step in self._steps.items()}
        # Holders are all people of the workspace with a key, whether they entered or not.
        self._holders: dict[Key, list[str]] = defaultdict(list)
        for person in people:
            for key in person.keys.values():
                self._holders[key].append(person.external_id)
        # Section 5, Keys: "A key is blocked while any holder has withdrawn consent."
        # Unknown consent keeps its own person out, and blocks nobody else.
        self._blocked = {
            key
            for person in people
            if person.consent == "withdrawn"
            for key in person.keys.values()
        }
        # Section 5, want: who was added and not removed since, with the keys that may be sent.
        self._wanted: dict[str, list[Key]] = {}
        _check(canvas)

    def reading(self) -> Reading:
        """Walk, and count."""
        entry = self._canvas["entry"]
        enters = _condition(entry["filter"])
        standing: dict[str, list[Person]] = defaultdict(list)
        standing[entry["first"]] = [person for person in self._people if enters(person)]
        entered = len(standing[entry["first"]])
        for name in _in_order(self._steps, entry["first"]):
            for target, people in self._perform(name, standing[name]).items():
                standing[target] += people
        wanted_keys = frozenset(key for keys in self._wanted.values() for key in keys)
        return Reading(len(self._people), entered, self._readings, wanted_keys)

    def _perform(self, name: str, people: list[Person]) -> dict[str, list[Person]]:
        """Count the people at a step; who goes to which step next."""
        step, counted = self._steps[name], self._readings[name]
        counted.entered = len(people)
        if step["kind"] == "audience_sync":
            self._sync(step, counted, people)
        if step["kind"] == "decision_split":
            holds = _condition(step["if"])
            leaving = {
                "yes": [person for person in people if holds(person)],
                "no": [person for person in people if not holds(person)],
            }
        else:
            leaving = {"next": people} if "next" in step else {}
        counted.edges = {edge: len(members) for edge, members in leaving.items()}
        # Section 1: "A sync step that is last has advanced = exited = entered."
        last_sync = step["kind"] == "audience_sync" and "next" not in step
        counted.exited = 0 if leaving else len(people)
        counted.advanced = len(people) if leaving or last_sync else 0
        onward: dict[str, list[Person]] = defaultdict(list)
        for edge, members in leaving.items():
            onward[step[edge]] += members
        return onward

    def _sync(self, step: Mapping[str, Any], counted: StepReading, people: list[Person]) -> None:
        fields = step["fields"]
        if step["action"] == "add":
            outcomes = [self._added(person, fields) for person in people]
        else:
            # All who reach the step reach it together: nobody among them keeps another's key.
            for person in people:
                self._wanted.pop(person.external_id, None)
            outcomes = [self._removed(person, fields) for person in people]
        counts = Counter(outcomes)
        counted.synced = counts.pop("synced", 0)
        counted.not_synced = dict(sorted(counts.items()))

    def _added(self, person: Person, fields: Iterable[str]) -> str:
        # Section 3, 6: who has no usable match key or no consent is not synced, with the reason.
        # Only granted is sent; a workspace may send unknown as well, the demo's does not.
        if person.consent != "granted":
            return "no_consent"
        keys = person.keys_of(fields)
        if not keys:
            return "no_match_key"
        # Section 5, Keys: a blocked key is not sent; who is left with none was not added.
        allowed = [key for key in keys if key not in self._blocked]
        if not allowed:
            return "blocked"
        # Section 5, 7: synced when every field that was asked for and has a key is in.
        self._wanted[person.external_id] = allowed
        return "synced"

    def _removed(self, person: Person, fields: Iterable[str]) -> str:
        # Section 5: a removal does not ask for consent.
        keys = person.keys_of(fields)
        if not keys:
            return "no_match_key"
        # Section 5, Keys: "A journey's removal leaves out keys that another wanted profile holds";
        # "a removal that leaves out every key is not synced (still wanted); one that sends some is
        # synced". A blocked key is never left out: "an opt-out of either removes the key".
        if all(self._is_kept(key) for key in keys):
            return "still_wanted"
        # Section 5, 5: who was never in is synced at once, reason "already out".
        return "synced"

    def _is_kept(self, key: Key) -> bool:
        return any(key in self._wanted.get(holder, ()) for holder in self._holders[key])


def _check(canvas: Mapping[str, Any]) -> None:
    steps = canvas["steps"].values()
    if unknown := {step["kind"] for step in steps} - set(_ARROWS):
        raise ValueError(f"this reading knows no step of kind {', '.join(sorted(unknown))}")
    syncs = [step for step in steps if step["kind"] == "audience_sync"]
    if len({str((step["ad_account"], step["audience"], step["fields"])) for step in syncs}) > 1:
        raise ValueError("this reading knows one audience, and the same match fields at each step")
    if any(step["action"] not in {"add", "remove"} for step in syncs):
        raise ValueError("this reading knows the actions add and remove")
    if any(not {"email", "phone"}.issuperset(step["fields"]) for step in syncs):
        raise ValueError("this reading knows the match fields email and phone")


_ARROWS = {
    "delay": ["next"],
    "decision_split": ["yes", "no"],
    "audience_sync": ["next"],
    "exit": [],
}


def _in_order(steps: Mapping[str, Mapping[str, Any]], first: str) -> list[str]:
    """The steps that can be reached, each after all that lead to it. ValueError for a loop."""
    done: list[str] = []
    open_steps: set[str] = set()

    def visit(name: str) -> None:
        if name in open_steps:
            raise ValueError(f"step {name} leads back to itself")
        if name in done:
            return
        open_steps.add(name)
        for arrow in _ARROWS[steps[name]["kind"]]:
            if arrow in steps[name]:
                visit(steps[name][arrow])
        open_steps.remove(name)
        done.append(name)

    visit(first)
    return done[::-1]
