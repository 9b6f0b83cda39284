"""Segments over HTTP: kept under a name, estimated, counted, sampled and explained.

A filter is written as in docs/segments.md. Any filter may be asked about; a saved one is
`{"segment": NAME}`. Estimates draw ESTIMATE_NUMBERS profile numbers at random, from a generator
that is seeded by how many numbers there are: the same question gives the same answer until somebody
is new.
"""

from datetime import datetime
from random import Random
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from towpath.api.bodies import Body, Id
from towpath.api.callers import Caller, Scope, needs
from towpath.api.database import Database, Now
from towpath.api.idempotency import Once
from towpath.api.pages import Cursor, Page
from towpath.api.problems import documented
from towpath.clock import Instant
from towpath.ids import SegmentId
from towpath.limits import (
    CANVAS_REVISION_MAX,
    ESTIMATE_NUMBERS,
    EXTERNAL_ID_CHARS_MAX,
    SAMPLE_PEOPLE_MAX,
    SEGMENT_NAME_CHARS_MAX,
)
from towpath.people.filter import Filter, to_data
from towpath.people.filter_parse import parse_filter
from towpath.people.people_set import PeopleSet, people
from towpath.store import people_door, segment_sizes, segments
from towpath.store.database import Db
from towpath.store.people_door import Question
from towpath.store.segments import Segment

router = APIRouter(prefix="/v1/segments", tags=["segments"])
Reader = Annotated[Caller, needs(Scope.SEGMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.SEGMENTS_WRITE)]

FilterData = Annotated[dict[str, Any], Field(description="A filter, as in docs/segments.md.")]
Named = Annotated[str, Field(min_length=1, max_length=SEGMENT_NAME_CHARS_MAX)]


class SegmentShown(BaseModel):
    """A filter with its name."""

    id: int
    name: str
    filter: dict[str, Any]
    revision: int
    created_at: datetime
    changed_at: datetime


class NewSegment(Body):
    """A segment to be saved."""

    name: Named
    filter: FilterData


class ChangedSegment(NewSegment):
    """What replaces the segment read at `revision`."""

    revision: int = Field(ge=1, le=CANVAS_REVISION_MAX, description="As it was read.")


class Asked(Body):
    """A filter to be asked about."""

    filter: FilterData


class Sampled(Asked):
    """A filter of which some people are shown."""

    people: int = Field(10, ge=1, le=SAMPLE_PEOPLE_MAX)


class Explained(Asked):
    """A filter whose rules are told one by one: of people drawn at random, of everybody
    (`exact`), or of one person."""

    exact: bool = False
    external_id: str | None = Field(None, min_length=1, max_length=EXTERNAL_ID_CHARS_MAX)


class EstimateShown(BaseModel):
    """About how many people match; in 95 of 100 cases between `low` and `high`."""

    people: int
    low: int
    high: int
    asked: int = Field(description="So many profile numbers were drawn.")


class CountShown(BaseModel):
    """How many people match, exactly."""

    people: int


class PersonShown(BaseModel):
    """Somebody who matches; of personal data only the first letters."""

    number: int
    external_id: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    country: str | None


class Sample(BaseModel):
    """Some of those who match."""

    people: list[PersonShown]


class RuleShown(BaseModel):
    """A rule, or all, any or not: of the people who reach it, how many it keeps and drops."""

    place: str
    depth: int
    rule: str | dict[str, Any]
    keeps: int
    drops: int


class Explanation(BaseModel):
    """What each rule does to the people who were asked about."""

    asked: int
    rules: list[RuleShown]


@router.get("", operation_id="list_segments")
def list_segments(caller: Reader, db: Database, cursor: Cursor) -> Page[SegmentShown]:
    """The workspace's segments, by name."""
    found = segments.list_page(db, caller.workspace, after=cursor.text, limit=cursor.limit + 1)
    return cursor.page([_shown(one) for one in found], lambda one: one.name)


@router.post(
    "",
    status_code=201,
    operation_id="create_segment",
    response_model=SegmentShown,
    responses=documented(404, 409),
)
def create_segment(
    body: NewSegment, caller: Writer, db: Database, now: Now, once: Once
) -> Response:
    """Save a filter under a name that is free."""
    tree = parse_filter(body.filter)

    def make() -> SegmentShown:
        return _shown(segments.create(db, caller.workspace, body.name, tree, now))

    return once.do(db, caller, now, 201, make)


@router.get("/{segment}", operation_id="read_segment", responses=documented(404))
def read_segment(segment: Id, caller: Reader, db: Database) -> SegmentShown:
    """A segment."""
    return _shown(segments.read(db, caller.workspace, SegmentId(segment)))


@router.put("/{segment}", operation_id="save_segment", responses=documented(404, 409))
def save_segment(
    segment: Id, body: ChangedSegment, caller: Writer, db: Database, now: Now
) -> SegmentShown:
    """Replace the segment that was read at a revision."""
    saved = segments.save(
        db,
        caller.workspace,
        SegmentId(segment),
        body.name,
        parse_filter(body.filter),
        revision=body.revision,
        now=now,
    )
    return _shown(saved)


@router.delete(
    "/{segment}", status_code=204, operation_id="delete_segment", responses=documented(404, 409)
)
def delete_segment(segment: Id, caller: Writer, db: Database) -> None:
    """Delete a segment that nothing uses."""
    segments.delete(db, caller.workspace, SegmentId(segment))


@router.post("/estimate", operation_id="estimate_filter", responses=documented(404, 409))
def estimate_filter(body: Asked, caller: Reader, db: Database, now: Now) -> EstimateShown:
    """About how many people match, within a second however many there are."""
    question = _question(db, caller, body.filter, now)
    drawn, of = _draw(question)
    found = segment_sizes.estimated(question, people(drawn), of)
    return EstimateShown.model_validate(found, from_attributes=True)


@router.post("/count", operation_id="count_filter", responses=documented(404, 409))
def count_filter(body: Asked, caller: Reader, db: Database, now: Now) -> CountShown:
    """How many people match, exactly: everybody is looked at."""
    return CountShown(people=segment_sizes.counted(_question(db, caller, body.filter, now)))


@router.post("/sample", operation_id="sample_filter", responses=documented(404, 409))
def sample_filter(body: Sampled, caller: Reader, db: Database, now: Now) -> Sample:
    """Some people who match, masked."""
    question = _question(db, caller, body.filter, now)
    drawn, _ = _draw(question)
    found = segment_sizes.sample(question, drawn, body.people)
    return Sample(people=[PersonShown.model_validate(one, from_attributes=True) for one in found])


@router.post("/explain", operation_id="explain_filter", responses=documented(404, 409))
def explain_filter(body: Explained, caller: Reader, db: Database, now: Now) -> Explanation:
    """What each rule keeps and drops."""
    question = _question(db, caller, body.filter, now)
    asked: PeopleSet | None = None
    if body.external_id is not None:
        asked = people([people_door.person(db, caller.workspace, body.external_id)])
    elif not body.exact:
        asked = people(_draw(question)[0])
    total, rules = segment_sizes.explained(question, asked)
    return Explanation(
        asked=total,
        rules=[RuleShown.model_validate(one, from_attributes=True) for one in rules],
    )


def _question(db: Db, caller: Caller, data: dict[str, Any], now: Instant) -> Question:
    return people_door.question(db, caller.workspace, parse_filter(data), now)


def _draw(question: Question) -> tuple[list[int], int]:
    """Numbers to ask, in random order, and below which number they were drawn."""
    of = segment_sizes.drawable(question.db, question.workspace)
    return draw(of, Random(of)), of


def draw(of: int, random: Random) -> list[int]:
    """Up to ESTIMATE_NUMBERS different numbers below `of`, in random order."""
    return random.sample(range(of), min(ESTIMATE_NUMBERS, of))


def _shown(segment: Segment) -> SegmentShown:
    tree: Filter = segment.filter
    return SegmentShown(
        id=segment.id,
        name=segment.name,
        filter=to_data(tree),
        revision=segment.revision,
        created_at=segment.created_at,
        changed_at=segment.changed_at,
    )
