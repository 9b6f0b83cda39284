"""Dry run of an Audience Sync step over HTTP: who would go, why others not, how the first request
looks, how many there are and how long they take. Nothing is stored or sent; no key is read.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from towpath.api.bodies import Body, Id
from towpath.api.canvases import Reader
from towpath.api.database import Database, Now
from towpath.api.problems import documented
from towpath.api.reach import Place, place_named, place_of
from towpath.canvas.graph import Graph
from towpath.canvas.steps.audience_sync import AudienceSync, ExistingAudience, NewAudience
from towpath.clock import Instant
from towpath.errors import ConflictError, InputError, NotFoundError
from towpath.ids import CanvasId, PartnerRef, StepId, WorkspaceId
from towpath.limits import (
    AUDIENCE_PEOPLE_USEFUL,
    DRY_RUN_BODY_CHARS,
    FILE_UPDATE_EVERY_S,
    FILE_UPDATE_PEOPLE_MAX,
    FLUSH_S,
    SEGMENT_NAME_CHARS_MAX,
)
from towpath.partners.protocol import Order
from towpath.partners.registry import adapter
from towpath.people.filter import Filter
from towpath.people.filter_parse import nearest, parse_filter
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import MatchField
from towpath.people.people_set import cut
from towpath.store import (
    apps,
    audiences,
    canvases,
    dry_runs,
    exports,
    file_updates,
    people_door,
)
from towpath.store.audiences import Audience
from towpath.store.canvases import Canvas
from towpath.store.database import Db
from towpath.store.dry_runs import Asked, Reckoned

router = APIRouter(prefix="/v1/canvases", tags=["canvases"])

ANSWER_S = 1.0
"""What an answer is reckoned to take while there was none."""
_DIGEST_BYTES = 32
_NO_AUDIENCE = PartnerRef("0")

Of = Literal["draft", "running"]


class DryRun(Body):
    """What to try."""

    of: Of = Field(default="draft", description="The draft, or the newest version.")
    segment: str | None = Field(
        default=None,
        min_length=1,
        max_length=SEGMENT_NAME_CHARS_MAX,
        description="Whom to try it with; null: who matches the entry's filter now.",
    )


class Coverage(BaseModel):
    """Who of all has a key of a match field."""

    people: int
    percent: float


class FirstRequest(BaseModel):
    """The first request, every digit of every digest an x."""

    people: int
    fields: list[MatchField]
    bytes: int = Field(description="The size of its body.")
    body: str = Field(description=f"Its first {DRY_RUN_BODY_CHARS} characters.")


class DryRunShown(BaseModel):
    """What the step would do now with these people."""

    action: Literal["add", "remove"]
    audience: str | None
    audience_id: str | None = Field(description="The partner's id; null: not made yet.")
    fields: list[MatchField] = Field(description="Which would be sent.")
    people: int = Field(description="How many people it was tried with.")
    going: int = Field(description="How many would be sent.")
    not_going: dict[str, int] = Field(description="How many would not, by reason; nobody twice.")
    coverage: dict[MatchField, Coverage]
    requests: int
    people_per_request: int = Field(description="At most, with these fields.")
    requests_per_second: int
    answer_s: float = Field(description="How long an answer takes, as far as is known.")
    seconds: float = Field(description="Until all are answered, if nothing else is sent meanwhile.")
    inside: int = Field(description="Who is in the audience now, by all we know.")
    expected: int = Field(description="Who would be, at most: the partner matches fewer.")
    near_real_time: bool = Field(description="False: files are sent, about one an hour.")
    enough: bool = Field(description=f"Whether that is {AUDIENCE_PEOPLE_USEFUL:,} or more.")
    first_request: FirstRequest | None


@router.post(
    "/{canvas}/steps/{step}/dry-run", operation_id="dry_run_step", responses=documented(404, 409)
)
def dry_run_step(
    canvas: Id,
    step: Annotated[str, Path(min_length=1, max_length=100)],
    body: DryRun,
    caller: Reader,
    db: Database,
    now: Now,
) -> DryRunShown:
    """What an Audience Sync step would send now. Nothing is stored or sent."""
    found = canvases.read(db, caller.workspace, CanvasId(canvas))
    return run(db, caller.workspace, found, step, body, now)


@dataclass(frozen=True, slots=True)
class _Way:
    """How the step's requests would go."""

    place: Place
    audience: Audience | None
    settings: AudienceSync
    requests_per_second: int

    @property
    def by_files(self) -> bool:
        """Is it by Customer Files?"""
        one = self.audience
        return self.place.connection.by_files if one is None else one.by_files

    def size(self, fields: int) -> int:
        """How many people a request with so many fields carries, as engine/claim.py and
        engine/file_claim.py cut them."""
        if self.by_files:
            return FILE_UPDATE_PEOPLE_MAX
        one = self.place.connection
        learned = self.audience.people_per_request_learned if self.audience else None
        most = min(one.people_per_request_max, learned or one.people_per_request_max)
        return max(1, min(most, one.keys_per_request_max // max(fields, 1)))


def run(
    db: Db, workspace: WorkspaceId, canvas: Canvas, step: str, asked: DryRun, now: Instant
) -> DryRunShown:
    """Try a step of the Canvas. Raises NotFoundError when there is no such step, version, segment
    or ad account, InputError for a step that does not say enough."""
    with exports.snapshot(db):
        graph = _graph(db, workspace, canvas, asked.of)
        way = _way(db, workspace, _settings(graph, step))
        tree = graph.entry.filter if asked.segment is None else _segment(asked.segment)
        question = people_door.question(db, workspace, tree, now)
        audience = way.audience.id if way.audience else None
        wanted = Asked(workspace, audience, way.settings.action, way.settings.fields)
        found = dry_runs.reckon(db, wanted, question.everybody())
        return _shown(db, workspace, way, found, now)


def _graph(db: Db, workspace: WorkspaceId, canvas: Canvas, of: Of) -> Graph:
    if of == "draft":
        return canvas.draft
    versions = canvases.versions(db, workspace, canvas.id)
    if not versions:
        raise ConflictError(
            "The Canvas was never launched.", remedy="Try its draft instead.", field="of"
        )
    return versions[-1].graph


def _settings(graph: Graph, step: str) -> AudienceSync:
    settings = graph.steps.get(StepId(step))
    syncs = [str(one) for one, each in graph.steps.items() if isinstance(each, AudienceSync)]
    if settings is None:
        raise NotFoundError("There is no such step.", remedy=nearest(step, syncs), field="step")
    if not isinstance(settings, AudienceSync):
        hint = nearest(step, syncs) if syncs else "Add one first."
        raise InputError("This is no Audience Sync step.", remedy=hint, field="step")
    for name in ("partner", "ad_account", "audience", "fields"):
        if not getattr(settings, name):
            raise InputError(
                f"The step does not say its {name.replace('_', ' ')} yet.",
                remedy="Save it in the draft first.",
                field=f"steps.{step}.{name}",
            )
    return settings


def _way(db: Db, workspace: WorkspaceId, settings: AudienceSync) -> _Way:
    audience: Audience | None = None
    if settings.audience_id is not None:
        audience = audiences.read(db, workspace, settings.audience_id)
        place = place_of(db, workspace, audience.ad_account)
    else:
        assert settings.ad_account is not None
        place = place_named(db, workspace, settings.ad_account)
        account, named = place.account.id, settings.audience
        if isinstance(named, NewAudience):
            audience = next(iter(audiences.find_by_name(db, workspace, account, named.name)), None)
        elif isinstance(named, ExistingAudience):
            audience = audiences.find_by_ref(db, workspace, account, named.ref)
    rate = apps.read(db, place.connection.app).requests_per_second
    return _Way(place, audience, settings, rate)


def _segment(name: str) -> Filter:
    return parse_filter({"segment": name}, "segment")


def _shown(db: Db, workspace: WorkspaceId, way: _Way, found: Reckoned, now: Instant) -> DryRunShown:
    sizes = [(len(one.members), way.size(len(one.fields))) for one in found.groups]
    if way.by_files:  # everybody at once, whatever fields
        sizes = [(sum(people for people, _ in sizes), way.size(1))]
    count = sum(-(-people // size) for people, size in sizes)
    answer_s = dry_runs.answer_time(db, workspace) or ANSWER_S
    rounds = -(-count // way.requests_per_second)
    seconds = FLUSH_S + rounds * answer_s + (rounds - 1) if count else 0.0
    if count and way.by_files:
        seconds = _until_update(db, way, now) + (count - 1) * FILE_UPDATE_EVERY_S
    return DryRunShown(
        action="add" if way.settings.action.name == "ADD" else "remove",
        audience=_named(way),
        audience_id=way.audience.made_ref if way.audience else None,
        fields=list(found.fields),
        people=found.people,
        going=found.going,
        not_going={str(reason): people for reason, people in found.kept_out.items()},
        coverage={
            name: Coverage(people=some, percent=_percent(some, found.people))
            for name, some in found.coverage.items()
        },
        requests=count,
        people_per_request=way.size(len(found.fields)),
        requests_per_second=way.requests_per_second,
        answer_s=round(answer_s, 3),
        seconds=round(seconds, 1),
        inside=found.inside,
        expected=found.after,
        near_real_time=not way.by_files,
        enough=found.after >= AUDIENCE_PEOPLE_USEFUL,
        first_request=_first(db, way, found),
    )


def _until_update(db: Db, way: _Way, now: Instant) -> float:
    """Seconds until the audience takes its next file."""
    if way.audience is None:
        return 0.0
    free_at = file_updates.standing(db, way.audience.id, now).free_at(now)
    return (free_at - now).total_seconds()


def _named(way: _Way) -> str | None:
    named = way.settings.audience
    if way.audience is not None:
        return way.audience.name
    return named.name if isinstance(named, NewAudience) else None


def _percent(some: int, of: int) -> float:
    return round(100 * some / of, 2) if of else 0.0


def _first(db: Db, way: _Way, found: Reckoned) -> FirstRequest | None:
    """The first request as it would be built, of digests that are all zeros: nobody's."""
    group = next(iter(found.groups), None)
    if group is None:
        return None
    partner = adapter(way.place.partner, by_files=way.by_files)
    size = min(way.size(len(group.fields)), partner.people_per_body)
    members = cut(group.members, size)[0]
    nobodys = [
        KeyGroup(people, {name: bytes(_DIGEST_BYTES * people) for name in having})
        for having, people in dry_runs.cases(db, group.fields, members)
    ]
    ref = way.audience.made_ref if way.audience else None
    account = way.place.account.partner_ref
    order = Order(way.settings.action, group.fields, account, ref or _NO_AUDIENCE)
    body = partner.body(order, nobodys)
    digits = 2 * _DIGEST_BYTES
    text = body.decode().replace("0" * digits, "x" * digits)
    return FirstRequest(
        people=len(members),
        fields=list(group.fields),
        bytes=len(body),
        body=text[:DRY_RUN_BODY_CHARS],
    )
