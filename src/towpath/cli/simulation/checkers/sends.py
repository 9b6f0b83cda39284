"""Sending: I-22, I-23, I-25, I-26 and I-40, for each request when it leaves."""

from collections.abc import Iterator

from towpath.cli.simulation.records import Records
from towpath.cli.simulation.world import World
from towpath.ids import PartnerRef
from towpath.partners.protocol import AnswerKind
from towpath.people.action import Action
from towpath.sandbox.faults import fault_named
from towpath.sandbox.witness import LogRow

NEVER_SURE = {"500", "502", "504", "hang", "reset", "truncated", "50000", "50002", "51305"} | {
    "40202",
    "html",
    "empty",
    "null",
    "list",
    "object",
    "garbage",
    "utf16",
    "20001",
    "99999",
    "text-code",
    "no-code",
    "null-code",
    "list-code",
    "other-case",
    "two-codes",
}
"""What tells neither that a request was applied nor that it was not (reliability 5.4)."""


def claimed_before_sent(records: Records) -> Iterator[str]:
    """I-22: a committed row, in flight, names all that a request carries."""
    world = records.world
    refs = {audience.ref: audience.id for audience in world.audiences}
    for flight in records.flights:
        sent, row = flight.sent, records.requests.get(flight.claimed.id)
        if sent is None:
            continue
        if row is None:
            yield f"TikTok's request {sent.number} has no committed row"
            continue
        if set(sent.keys) - row.keys:
            yield f"request {row.id} carries keys that were not claimed"
        verb = "add" if row.action is Action.ADD else "delete"
        if (sent.action, refs[PartnerRef(sent.audience_ref)]) != (verb, row.audience):
            yield f"request {row.id} says something else than its row"


def in_its_lease(records: Records) -> Iterator[str]:
    """I-23: nobody sends after the lease minus the deadline."""
    world = records.world
    windows = world.setting.windows
    for flight in records.flights:
        latest = flight.claimed.started_at + windows.lease - windows.request_deadline
        if flight.sent is not None and flight.left_at > latest:
            yield f"request {flight.claimed.id} left too late for its lease"


def answers_are_believed_rightly(records: Records) -> Iterator[str]:
    """I-25, I-26: applied only if it was; refused only if it surely was not; else unknown."""
    world = records.world
    for flight in records.flights:
        kind = flight.answered.answer.kind
        told = f"request {flight.claimed.id} was told {kind.value}"
        if not flight.number:
            if kind is not AnswerKind.REFUSED:
                yield f"{told}, though it never left"
            continue
        row = log_row(world, flight.number)
        world.hits[f"answer: {kind.value}"] += 1
        if kind is AnswerKind.APPLIED and (row.applied != "applied" or row.code != 0):
            yield f"{told}, and was {row.applied or 'refused'} ({row.code})"
        if kind is AnswerKind.REFUSED and row.applied in ("applied", "late"):
            yield f"{told}, and was {row.applied} ({row.fault})"
        unsure = bool(row.fault) and fault_named(row.fault).what in NEVER_SURE
        if unsure and kind is not AnswerKind.UNKNOWN:
            yield f"{told}, though {row.fault} says nothing"


def sizes(records: Records) -> Iterator[str]:
    """I-40: within the sizes, nothing malformed."""
    world = records.world
    setting = world.setting
    for flight in records.flights:
        sent = flight.sent
        if sent is None:
            continue
        if sent.people > setting.people_per_request or len(sent.keys) > setting.keys_per_request:
            yield f"request {flight.claimed.id}: {sent.people} people, {len(sent.keys)} keys"
    if count := world.sandbox.log.broken["a malformed mapping"]:
        yield f"TikTok was sent {count} malformed mappings"


def nothing_twice(records: Records) -> Iterator[str]:
    """I-40: no key twice in a request. Who takes another's identifier between the claim and the
    reading may bring it a second time: in an upheaval nobody looks."""
    for flight in records.flights:
        if flight.sent and len(set(flight.sent.keys)) != len(flight.sent.keys):
            yield f"request {flight.claimed.id} carries a key twice"
    if records.world.sandbox.log.broken["a key twice in one request"]:
        yield "TikTok was sent a key twice in one request"


def log_row(world: World, number: int) -> LogRow:
    """The sandbox' own record of a request."""
    row = world.sandbox.log.rows[number - 1]
    assert row.number == number
    return row
