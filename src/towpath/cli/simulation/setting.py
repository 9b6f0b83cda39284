"""What a seed decides before anything happens: people and their keys, sizes, paces, the weather.

Everything is small, so that a few steps reach what takes weeks in production.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from random import Random

from towpath.ledger.windows import Windows
from towpath.people.consent import ConsentState
from towpath.people.match_field import MatchField

EMAIL, PHONE = MatchField.EMAIL, MatchField.PHONE

USUAL = Windows()
QUICK = Windows(
    request_deadline=timedelta(seconds=2),
    lease=timedelta(seconds=4),
    processing=timedelta(seconds=5),
    acceptance=timedelta(seconds=5),
    retry_first=timedelta(seconds=1),
    retry_most=timedelta(seconds=5),
    give_up=timedelta(minutes=2),
    flush=timedelta(seconds=1),
)
"""The demo's spans (architecture 5), with a window of two minutes."""


@dataclass(slots=True)
class Person:
    """Somebody: where the number begins that they get, their digests, what they said."""

    name: str
    digests: dict[MatchField, bytes]
    consent: ConsentState
    texts: dict[MatchField, str] = field(default_factory=dict)
    """In an upheaval: their identifiers in clear."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The world as it begins, and how rough it will be."""

    temper: str
    people: list[list[Person]]
    """By block of numbers: each list begins near the end of a block."""
    audiences: int
    foreign: bool
    """Others fill the first audience too."""
    fields: list[tuple[MatchField, ...]]
    """What steps may ask for."""
    permits: int
    people_per_request: int
    keys_per_request: int
    workers: int
    canvas: bool
    windows: Windows
    bounds: Mapping[str, int]
    fault_rate: float
    faults: dict[str, float] = field(repr=False)
    weights: Mapping[str, float] = field(repr=False)
    steps: int = 45
    journey: bool = False
    """People come to audiences only by a Canvas of all kinds of steps, and walk it."""
    partings: bool = False
    """People are merged and deleted."""
    upheaval: bool = False
    """Identifiers change, people withdraw consent and are erased, the connection is cut."""
    rekeying: bool = False
    """In an upheaval: the rules of normalising change, and nobody is erased."""


FAULTS: dict[str, float] = {
    **dict.fromkeys(["500_applied", "502_applied", "504_applied"], 1.0),
    **dict.fromkeys(["500_dropped", "502_dropped", "504_dropped"], 1.0),
    **dict.fromkeys(["500_late", "502_late", "504_late", "hang_late"], 3.0),
    **dict.fromkeys(["hang_applied", "hang_dropped", "reset_applied", "reset_dropped"], 2.0),
    **dict.fromkeys(["truncated_applied", "truncated_dropped", "slow", "20001_applied"], 1.5),
    **dict.fromkeys(["50000_applied", "50000_dropped", "40202", "50002_late", "51305"], 1.0),
    **dict.fromkeys(["throttled", "40016_dropped", "40133_dropped", "60001"], 1.0),
    **dict.fromkeys(["html", "empty", "null", "list", "object", "garbage", "utf16"], 0.3),
    **dict.fromkeys(["text-code_applied", "no-code_applied", "null-code_applied"], 0.3),
    **dict.fromkeys(["list-code_applied", "other-case_applied", "two-codes_applied"], 0.3),
    **dict.fromkeys(["40002_dropped", "40011_dropped", "99999_applied"], 0.7),
}
"""Every kind of docs/sandbox.md, and what became of the request. Only what TikTok documents as a
refusal is dropped under its code: a throttled request that took effect would be another TikTok."""


@dataclass(frozen=True, slots=True)
class Temper:
    """What a run is especially likely to meet. `weights` multiply those of happenings."""

    counts: tuple[int, ...] = (2, 3, 5, 8, 12, 20, 30, 40)
    per_request: tuple[int, ...] = (1, 2, 3, 3, 5, 10, 10)
    audiences: tuple[int, ...] = (1, 1, 2)
    permits: tuple[int, ...] = (1, 2, 3, 5, 20)
    sharing: tuple[int, ...] = (0, 0, 1, 2)
    fault_rates: tuple[float, ...] = (0, 0.1, 0.3, 0.3, 0.7)
    weights: Mapping[str, float] = field(default_factory=dict)


TEMPERS = {
    "usual": Temper(),
    "family": Temper(
        counts=(2, 3, 4), per_request=(1, 2, 3), sharing=(2, 3, 4), weights={"scene": 3}
    ),
    "staged": Temper(counts=(3, 5, 8), fault_rates=(0, 0.1), weights={"scene": 8}),
    "stubborn": Temper(
        counts=(2, 3, 5, 8), fault_rates=(0.5, 0.9), weights={"long_refusal": 6, "tiktok_turns": 2}
    ),
    "crowded": Temper(
        counts=(8, 12, 20),
        per_request=(1, 2, 3),
        audiences=(2,),
        permits=(1, 1, 2),
        weights={"everybody_arrives": 3, "round_trip": 2},
    ),
    "forgetful": Temper(
        sharing=(1, 2), weights={"a_key_is_lost": 8, "consent_is_withdrawn": 3, "load": 0.5}
    ),
    "walking": Temper(weights={"enter": 2, "advance": 2, "turn_canvas": 2}),
}
"""A run is of one of these tempers, so that rare meetings are not left to luck."""


JOURNEY_STEPS = 70
UPHEAVAL_STEPS = 60
UPHEAVALS = 0.12
PEOPLE_MAX = 40


def chances(seed: int) -> tuple[Random, Random, Random]:
    """What a seed's run is drawn from; what says whether it is a journey, or an upheaval."""
    return Random(seed), Random(f"{seed} journey"), Random(f"{seed} stir")


def draw(chance: Random, lot: Random, stir: Random) -> Setting:
    """The setting of a seed. Most that walk are journeys: the `lot` says so, and `stir` which of
    the others are upheavals; nothing else is drawn from them."""
    found = _draw(chance)
    if found.temper != "walking" and stir.random() < UPHEAVALS:
        return _upheaval(found, stir)
    if found.temper != "walking":
        return found
    if lot.random() < 0.2:
        return found
    partings = lot.random() < 0.45
    few = lot.choice([1, 2, 5, 1_000])
    smaller = {"WEBHOOK_PEOPLE_PER_CLAIM": few, "INTAKE_EVENTS_MAX": lot.choice([3, 20, 1_000])}
    bounds = {**found.bounds, **smaller}
    return replace(found, journey=True, partings=partings, bounds=bounds, steps=JOURNEY_STEPS)


def _upheaval(found: Setting, lot: Random) -> Setting:
    for person in (person for some in found.people for person in some):
        person.texts |= {name: _texts()[digest] for name, digest in person.digests.items()}
    return replace(
        found,
        upheaval=True,
        rekeying=lot.random() < 0.25,
        canvas=False,
        foreign=False,
        audiences=lot.choice([1, 2, 2]),
        fault_rate=lot.choice([0, 0, 0.1, found.fault_rate]),
        steps=UPHEAVAL_STEPS,
    )


@cache
def _texts() -> dict[bytes, str]:
    """Identifiers by their digests."""
    texts = [f"{name} {place}" for name in (EMAIL, PHONE) for place in range(PEOPLE_MAX)]
    return {hashlib.sha256(text.encode()).digest(): text for text in texts}


def _draw(chance: Random) -> Setting:
    name = chance.choice(list(TEMPERS))
    temper = TEMPERS[name]
    per_request = chance.choice(temper.per_request)
    askings: list[list[tuple[MatchField, ...]]] = [
        [(EMAIL, PHONE)],
        [(EMAIL,), (PHONE,)],
        [(EMAIL,), (EMAIL, PHONE)],
        [(EMAIL,)],
    ]
    return Setting(
        temper=name,
        people=_people(chance, chance.choice(temper.counts), chance.choice(temper.sharing)),
        audiences=chance.choice(temper.audiences),
        foreign=chance.random() < 0.15,
        fields=chance.choice(askings),
        permits=chance.choice(temper.permits),
        people_per_request=per_request,
        keys_per_request=chance.choice([max(per_request, 2), 2 * per_request, 40]),
        workers=chance.choice([1, 2, 3]),
        canvas=name == "walking" or chance.random() < 0.1,
        windows=chance.choice([USUAL, USUAL, USUAL, QUICK]),
        bounds=_bounds(chance),
        fault_rate=chance.choice(temper.fault_rates),
        faults=FAULTS,
        weights=temper.weights,
    )


def _bounds(chance: Random) -> dict[str, int]:
    """Bounds of towpath.limits that this run plays by."""
    if chance.random() < 0.2:
        return {}
    return {
        "FOLD_PEOPLE": chance.choice([1, 10, 40, 1_000]),
        "FOLD_LOG_ROWS": chance.choice([2, 5, 20, 1_000]),
        "ARRIVAL_PEOPLE_MAX": chance.choice([3, 7, 1_000]),
        "WAVE_PEOPLE_MAX": chance.choice([4, 12, 1_000]),
        "CLAIM_REQUESTS_MAX": chance.choice([1, 2, 4, 32]),
        "SETTLE_REQUESTS_MAX": chance.choice([1, 3, 32]),
    }


def _people(chance: Random, count: int, sharing: int) -> list[list[Person]]:
    some = [_person(chance, place) for place in range(count)]
    for _ in range(sharing):
        one, other = chance.sample(some, 2)
        name = chance.choice([EMAIL, PHONE])
        if name in one.digests:
            other.digests[name] = one.digests[name]
    blocks = chance.choice([1, 1, 2, 3])
    return [some[start::blocks] for start in range(min(blocks, count))]


def _person(chance: Random, place: int) -> Person:
    digests = {
        name: hashlib.sha256(f"{name} {place}".encode()).digest()
        for name in (EMAIL, PHONE)
        if chance.random() < 0.85
    }
    said = chance.choices(list(ConsentState), [0.07, 0.86, 0.07])[0]
    return Person(f"p{place}", digests, said)
