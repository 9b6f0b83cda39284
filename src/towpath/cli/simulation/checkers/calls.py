"""Calls of webhooks: one key for a person's stay at a step, and no more once all is settled."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from towpath.cli.simulation.records import Records


def nobody_is_called_under_two_keys(records: Records) -> Iterator[str]:
    """However often it is tried, a stay at a step has one key, and nobody else has it."""
    callee = records.callee
    if callee is None or not callee.calls:
        return
    whose: dict[str, tuple[str, str]] = {}
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in callee.calls:
        who = (one.person, one.step)
        if whose.setdefault(one.key, who) != who:
            yield f"{one.person} was called under the key of {whose[one.key][0]}"
        keys[who].add(one.key)
    yield from _too_many(records, keys)


def _too_many(records: Records, keys: dict[tuple[str, str], set[str]]) -> Iterator[str]:
    """Each entry comes to a step once."""
    world = records.world
    entries: Counter[int] = Counter()
    for entry in records.places.entries:
        entries.update(entry.members)
    for (person, step), found in keys.items():
        number = world.names.get(person)
        if world.merged or number is None:
            continue
        if len(found) > entries[number]:
            told = f"{len(found)} keys, and entered {entries[number]} times"
            yield f"{person} was called at {step} under {told}"


def what_is_settled_is_not_called_again(records: Records) -> Iterator[str]:
    """A call that was answered, or failed for good, and is settled is never made again."""
    callee = records.callee
    if callee is None:
        return
    for one in callee.calls[records.calls_seen :]:
        if one.key in records.was_over:
            yield f"{one.person} was called at {one.step} again, after all was settled"
    records.was_over, records.calls_seen = set(records.over), len(callee.calls)
