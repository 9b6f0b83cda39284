"""Delay: people stand here until their time has come, then go on.

Where a date of theirs decides, it is read when they come and again when it should have come: who
has a later one by then stands on. Dates far ahead are known to the day only, and looked at again
three days before, so that waves stay few however many minutes people's dates fall on.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from towpath.canvas.delays import due_bucket
from towpath.canvas.schedule import LOCAL, all_zones
from towpath.canvas.steps.delay import MISSING, Delay
from towpath.canvas.untils import UntilClock, UntilDate, moment_in_utc
from towpath.clock import Instant
from towpath.engine.steps.protocol import STAYS, Moment, Outcome, Presence, StepKind, Waiting
from towpath.limits import DELAY_UNTIL_DAYS_MAX
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import dates
from towpath.store.dates import DateGroup

_MOST = timedelta(days=DELAY_UNTIL_DAYS_MAX)
_EARLIEST = timedelta(days=2)
"""By so much may a time of the day, in any zone, lie before a day's midnight in UTC."""
_NEAR = timedelta(days=4)
_MINUTE = timedelta(minutes=1)


class DelayKind(StepKind):
    """The engine's side of the step."""

    def arrive(self, presence: Presence, settings: Delay, members: PeopleSet) -> list[Waiting]:
        """For a span of time, until a moment, or until everybody's own."""
        now, until = presence.now, settings.until
        if isinstance(until, UntilDate):
            found = _by_date(presence, settings, until, members)
            without = members - union(found.values())
            return [Waiting(max(now, due), these) for due, these in found.items()] + (
                [Waiting(now, without)] if without else []
            )
        if isinstance(until, UntilClock):
            return _by_clock(presence, settings, until, members)
        if until is not None:
            return [Waiting(max(now, until), members)]
        assert settings.span is not None
        return [Waiting(due_bucket(now, settings.span), members)]

    def perform(self, moment: Moment, settings: Delay, members: PeopleSet) -> list[Outcome]:
        """Their time has come: all go on, but those whose date is another one by now, or gone."""
        if not isinstance(settings.until, UntilDate):
            return [Outcome("next", members)]
        found = _by_date(moment, settings, settings.until, members)
        ahead = union(these for due, these in found.items() if due > moment.now)
        come = union(found.values()) - ahead
        without = members - ahead - come
        if settings.missing_exits:
            return [Outcome(STAYS, ahead), Outcome("next", come), Outcome(MISSING, without)]
        return [Outcome(STAYS, ahead), Outcome("next", come | without)]


def _by_clock(
    presence: Presence, settings: Delay, until: UntilClock, members: PeopleSet
) -> list[Waiting]:
    if settings.zone != LOCAL:
        return [Waiting(until.due(presence.now, settings.zone), members)]
    found: dict[Instant, PeopleSet] = defaultdict(people)
    left = members
    for zone, these in dates.zones(presence.db, members):
        found[until.due(presence.now, _zone(settings, zone))] |= these
        left = left - these
    if left:
        found[until.due(presence.now, settings.fallback)] |= left
    return [Waiting(due, these) for due, these in found.items()]


def _by_date(
    presence: Presence, settings: Delay, until: UntilDate, members: PeopleSet
) -> dict[Instant, PeopleSet]:
    """When everybody's date comes, or a moment before it that is not over; who has no date that
    can be used is missing."""
    now = presence.now
    over, far = now - until.plus - _NEAR, now - until.plus + _NEAR
    found: dict[Instant, PeopleSet] = defaultdict(people)
    for group in dates.groups(presence.db, members, until.attribute, over, far):
        due = _due(group, settings, until, now)
        if due is not None and due <= now + _MOST:
            found[due] |= group.members
    return found


def _due(group: DateGroup, settings: Delay, until: UntilDate, now: Instant) -> Instant | None:
    if not group.text:
        return now
    zone = _zone(settings, group.zone) if settings.zone == LOCAL else settings.zone
    try:
        if group.far:
            day = datetime.fromisoformat(group.text).replace(tzinfo=UTC)
            return day + until.plus - _EARLIEST
        moment = moment_in_utc(group.text)
        if group.bare:
            return until.due_of_day(moment.date(), zone)
        due = until.due_of_time(moment, zone)
        return due + _MINUTE if group.later and until.at is None else due
    except (ValueError, OverflowError):
        return None


def _zone(settings: Delay, zone: str | None) -> str:
    return zone if zone is not None and zone in all_zones() else settings.fallback
