"""The demo's judgment: the reading, Towpath's counters and the sandbox's content, side by side.

`agree` means: the sandbox holds exactly the expected keys; per step *entered* and the reasons of
*not synced* are those of the reading, nobody is pending or errored, and synced plus superseded is
the reading's synced (a fast removal may overtake an add that was never sent). The audit of what
Towpath kept stands beside it.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

from towpath.cli.demo.reading import Reading, keys_digest, read_people
from towpath.cli.demo.run import Stage
from towpath.ledger.arrivals import Counter, Reason
from towpath.sandbox.core import MAPPING
from towpath.store import arrivals, audit
from towpath.store.tallies import Change


@dataclass(frozen=True, slots=True)
class Judgment:
    """The demo's result: what each side says, and whether they agree."""

    reading: Reading
    steps: dict[str, dict[str, Any]]
    sandbox_keys: frozenset[str]
    differences: list[str]
    audited: list[str]
    seconds: float
    requests: int
    people: int
    faults: dict[str, int]

    @property
    def agree(self) -> bool:
        """Do all sides agree?"""
        return not self.differences

    def to_data(self) -> dict[str, Any]:
        """One object for programs."""
        return {
            "people": self.people,
            "steps": self.steps,
            "expected_keys": _keys(self.reading.expected_keys),
            "sandbox_keys": _keys(self.sandbox_keys),
            "agree": self.agree,
            "differences": self.differences,
            "audit": self.audited,
            "seconds": round(self.seconds, 2),
            "people_per_second": round(self.people / self.seconds),
            "requests": self.requests,
            "faults": self.faults,
        }


def judge(stage: Stage) -> Judgment:
    """Compare the three sides of a demo that has come to rest."""
    seconds = time.monotonic() - stage.began - stage.waited_s
    assert stage.version is not None
    reading = read_people(stage.csv)
    counters = stage.counters()
    reasons = arrivals.reasons(stage.db, stage.version)
    steps = {
        name: asdict(counters.get(name, Change()))  # type: ignore[call-overload]
        | {"reasons": reasons.get(name, {})}  # type: ignore[call-overload]
        for name in reading.steps
    }
    held = stage.sandbox.members(stage.audience_ref)
    keys = frozenset(f"{field}:{one}" for field, found in held.items() for one in found)
    differences = _key_differences(reading.expected_keys, keys)
    for name, step in steps.items():
        differences += _step_differences(reading, name, step)
    sent = [row for row in stage.sandbox.log.rows if row.path == MAPPING]
    audited = [f"{one.check.name}: {one}" for one in audit.run(stage.db)]
    return Judgment(
        reading,
        steps,
        keys,
        differences,
        audited,
        seconds,
        len(sent),
        stage.wanted.people,
        dict(stage.sandbox.log.faults.most_common()),
    )


def _keys(keys: frozenset[str]) -> dict[str, Any]:
    return {"count": len(keys), "sha256": keys_digest(keys)}


def _key_differences(expected: frozenset[str], held: frozenset[str]) -> list[str]:
    found = []
    if expected - held:
        found.append(f"{len(expected - held):,} keys are missing in the sandbox's audience.")
    if held - expected:
        found.append(f"{len(held - expected):,} keys are in the sandbox's audience unexpectedly.")
    return found


def _step_differences(reading: Reading, name: str, step: dict[str, Any]) -> list[str]:
    expected = reading.steps[name]
    found = [
        f"{name}: {counter} is {step[counter]:,}, the reading says {wanted:,}."
        for counter, wanted in (
            ("entered", expected.entered),
            ("advanced", expected.advanced),
            ("exited", expected.exited),
            ("pending", 0),
            ("errored", 0),
        )
        if step[counter] != wanted
    ]
    if expected.kind != "audience_sync":
        return found
    reasons = dict(step["reasons"].get(Counter.NOT_SYNCED.value, {}))
    superseded = reasons.pop(Reason.SUPERSEDED.value, 0)
    if reasons != expected.not_synced:
        found.append(f"{name}: not synced is {reasons}, the reading says {expected.not_synced}.")
    if step["synced"] + superseded != expected.synced:
        found.append(
            f"{name}: synced is {step['synced']:,} and superseded {superseded:,}, "
            f"the reading says {expected.synced:,}."
        )
    return found
