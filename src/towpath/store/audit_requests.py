"""Audit, requests: their state and times fit together, and their people are there with reason."""

from typing import Any

from towpath.ids import AudienceId
from towpath.people.action import Action
from towpath.people.people_set import PeopleSet, load, people
from towpath.store import ledgers
from towpath.store.audit_findings import Audit, Check, people_text

REQUESTS = Check(
    "requests",
    "A request's state, number, times and tries fit together, and its people had come to be sent.",
    "A request was changed other than by its answer, or lost its row.",
    "Compare with the partner's own record of the request, and restore the latest backup.",
)
IN_FLIGHT = Check(
    "in flight",
    "Nobody is in two requests of an audience at once.",
    "The partner may apply the two in either order.",
    "Stop the workers; when both leases have ended, their people are sent again in order.",
)


def check(audit: Audit) -> None:
    """Look at every request."""
    for row in audit.rows("read_request_states"):
        audit.looked(REQUESTS)
        for what in _wrong(row):
            audit.find(REQUESTS, f"request {row[0]}", what)
    for audience in ledgers.every_audience(audit.db):
        _in_flight(audit, audience)
        _came(audit, audience)
        _retried(audit, audience)


def _wrong(row: tuple[Any, ...]) -> list[str]:
    """What does not fit in a request's row."""
    state, seq, answered_at, retry_at, window_end, lease_until, tries, parent, tried = row[2:]
    flying, failed = state == "in flight", state in ("refused", "unknown")
    opens = {"applied": answered_at, "unknown": lease_until}.get(state)
    found = {
        "it is in flight, and has a number in the log.": flying and seq is not None,
        "it was answered, and has no number in the log.": not flying and seq is None,
        "it is in flight, and has an answer's time.": flying and answered_at is not None,
        "it was answered, and nobody knows when.": not flying and answered_at is None,
        "it waits to be tried again, and did not fail.": retry_at is not None and not failed,
        "it can take effect no more, and has a window.": opens is None and window_end is not None,
        "it may still take effect, and has no window.": opens is not None and window_end is None,
        "its window ends before it begins.": bool(opens and window_end and window_end < opens),
        f"the request {parent} that it retries is missing.": parent is not None and tried is None,
        "its tries do not follow those of the one that it retries.": tried is not None
        and tries not in (tried, tried + 1),
    }
    return [what for what, wrong in found.items() if wrong]


def _in_flight(audit: Audit, audience: AudienceId) -> None:
    everybody = people()
    for request, packed in audit.rows("read_in_flight", (audience,)):
        if audit.readable("request", request):
            audit.looked(IN_FLIGHT)
            members = load(packed)
            if twice := len(everybody & members):
                what = f"{people_text(twice)} are in flight in another request too."
                audit.find(IN_FLIGHT, f"request {request}", what)
            everybody |= members


def _came(audit: Audit, audience: AudienceId) -> None:
    """Whoever is in a request came to a step of its action at some time, or had to go."""
    came: dict[Action, PeopleSet] = {action: people() for action in Action}
    for arrival, action, packed in audit.rows("read_arrived", (audience,)):
        if not audit.readable("arrival", arrival):
            return
        came[Action(action)].update(load(packed))
    for mark, packed in audit.rows("read_unwanted", (audience,)):
        if not audit.readable("mark", mark):
            return
        came[Action.REMOVE].update(load(packed))
    for request, action, packed in audit.rows("read_requested", (audience,)):
        if audit.readable("request", request):
            strangers = len(load(packed) - came[Action(action)])
            if strangers:
                what = f"{people_text(strangers)} in it never came to be sent so."
                audit.find(REQUESTS, f"request {request}", what)


def _retried(audit: Audit, audience: AudienceId) -> None:
    """A retry carries only people of the request that it retries."""
    for request, members, parent, before in audit.rows("read_retried", (audience,)):
        if audit.readable("request", request) and audit.readable("request", parent):
            strangers = len(load(members) - load(before))
            if strangers:
                what = f"{people_text(strangers)} in it were not in request {parent}."
                audit.find(REQUESTS, f"request {request}", what)
