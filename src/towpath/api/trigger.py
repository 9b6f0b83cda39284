"""`POST /canvas/trigger/send`: let people into a Canvas by API, in Braze's shape (docs/entry.md).

What was asked for is durable when the answer goes out, and the engine lets people in at once. A
recipient who is unknown or cannot be taken is refused alone, in `errors`. A Canvas that does not
run takes nobody, and the answer's `notice` says so.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from towpath.api.bodies import Body, Name
from towpath.api.callers import Caller, Scope, needs
from towpath.api.database import Database, Now
from towpath.api.idempotency import Once
from towpath.api.problems import documented
from towpath.api.user_bodies import Alias, Identity, ObjectError, Text, who_of
from towpath.clock import Instant
from towpath.errors import InputError, NotFoundError
from towpath.ids import CanvasId, WorkspaceId
from towpath.limits import API_RECIPIENTS_MAX, CONTEXT_BYTES_MAX, TRACK_BODY_BYTES_MAX
from towpath.people.columns import Refusal
from towpath.people.filter import to_data
from towpath.people.filter_parse import nearest, parse_filter
from towpath.people.json_text import read_json
from towpath.people.track import read_call
from towpath.people.whose import Unfit, Who, WhoKind
from towpath.store import (
    api_entries,
    canvases,
    identities,
    intakes,
    tracking,
    wakes,
    workspaces,
)
from towpath.store.canvases import Canvas, CanvasState
from towpath.store.database import Db
from towpath.store.tracking import Received

router = APIRouter(tags=["canvases"])
_ARRAY = "recipients"
_Json = dict[str, Any]


class Recipient(Body):
    """Who is to enter: exactly one of `external_user_id`, `user_alias` and `email`.

    `context` (or `canvas_entry_properties`) goes over the call's. With `send_to_existing_only:
    false` somebody unknown is made first; `attributes` are set before the entry.
    """

    external_user_id: Text | None = None
    user_alias: Alias | None = None
    email: Text | None = None
    context: _Json | None = None
    canvas_entry_properties: _Json | None = None
    attributes: _Json | None = None
    send_to_existing_only: bool = True


class TriggerSend(Body):
    """A Canvas by `canvas_id` or `canvas_name`, and `recipients` or `broadcast`."""

    canvas_id: Annotated[str, Field(pattern="^[0-9]{1,9}$")] | int | None = None
    canvas_name: Name | None = None
    recipients: list[Recipient] | None = Field(default=None, max_length=API_RECIPIENTS_MAX)
    broadcast: bool = Field(default=False, description="Everybody who matches the entry's filter.")
    audience: _Json | None = Field(default=None, description="Of a broadcast: a filter as well.")
    context: _Json | None = None
    canvas_entry_properties: _Json | None = None


class Triggered(BaseModel):
    """What is on its way."""

    message: str = Field(default="success")
    dispatch_id: str
    recipients_accepted: int = Field(description="Of a broadcast: 0, nobody has counted yet.")
    notice: str | None = Field(default=None, description="Why nobody enters, if so.")
    errors: list[ObjectError] = Field(default_factory=list)


@router.post(
    "/canvas/trigger/send",
    status_code=201,
    summary="Let people into a Canvas",
    operation_id="trigger_canvas",
    response_model=Triggered,
    responses=documented(404, 409, 413, 422),
    max_body_size=TRACK_BODY_BYTES_MAX,
)
def trigger_canvas(
    body: TriggerSend,
    caller: Annotated[Caller, needs(Scope.TRIGGER)],
    db: Database,
    now: Now,
    once: Once,
) -> Response:
    """Let recipients, or everybody who matches, into a Canvas whose entry says `by: api`."""
    _check(body)

    def work() -> Triggered:
        canvas = _canvas(db, caller.workspace, body)
        return _Call(db, caller.workspace, body, now).send(canvas)

    return once.do(db, caller, now, 201, work)


def _check(body: TriggerSend) -> None:
    if (body.canvas_id is None) == (body.canvas_name is None):
        raise InputError("exactly one of canvas_id and canvas_name is needed.", field="canvas_id")
    if body.recipients is not None and not body.recipients:
        raise InputError(
            "recipients is empty, so nobody would enter.",
            remedy="Name at least one; to let in everybody who matches, leave it out and write"
            " broadcast: true.",
            field="recipients",
        )
    if body.broadcast == bool(body.recipients):
        raise InputError("either recipients are needed, or broadcast: true.", field="recipients")
    if body.audience is not None and not body.broadcast:
        raise InputError("an audience goes with broadcast: true.", field="audience")
    if body.broadcast and (body.context or body.canvas_entry_properties):
        raise InputError("a broadcast carries no context.", field="context")


def _canvas(db: Db, workspace: WorkspaceId, body: TriggerSend) -> Canvas:
    if body.canvas_name is None:
        assert body.canvas_id is not None
        try:
            return canvases.read(db, workspace, CanvasId(int(body.canvas_id)))
        except NotFoundError:
            raise NotFoundError(
                f"There is no Canvas {int(body.canvas_id)} in this workspace.",
                remedy="`GET /v1/canvases` lists them with their ids.",
                field="canvas_id",
            ) from None
    found = canvases.find(db, workspace, body.canvas_name)
    if found is None:
        known = [canvas.name for canvas in canvases.list_all(db, workspace)]
        raise NotFoundError(
            f"There is no Canvas named {body.canvas_name!r} in this workspace.",
            remedy=nearest(body.canvas_name, known) if known else "Apply one first.",
            field="canvas_name",
        )
    return found


@dataclass(slots=True)
class _Call:
    """One call, in its transaction."""

    db: Db
    workspace: WorkspaceId
    body: TriggerSend
    now: Instant
    errors: list[ObjectError] = field(default_factory=list)

    def send(self, canvas: Canvas) -> Triggered:
        """Write down who is to enter."""
        dispatch = secrets.token_hex(16)
        if canvas.state is not CanvasState.RUNNING:
            now_is = "a draft" if canvas.state is CanvasState.DRAFT else canvas.state.value
            notice = f"The Canvas is {now_is}: nobody enters."
            return Triggered(dispatch_id=dispatch, recipients_accepted=0, notice=notice)
        self._check_door(canvas.id)
        if self.body.broadcast:
            asked = self.body.audience
            tree = None if asked is None else to_data(parse_filter(asked, "audience"))
            api_entries.write_broadcast(
                self.db, self.workspace, canvas.id, dispatch, tree, self.now
            )
            accepted = 0
        else:
            coming = self._recipients()
            api_entries.write(self.db, self.workspace, canvas.id, dispatch, coming, self.now)
            accepted = len(coming)
        intakes.begin(self.db, self.workspace, self.now)
        wakes.wake(self.db)
        self.errors.sort(key=lambda one: one.index)
        return Triggered(dispatch_id=dispatch, recipients_accepted=accepted, errors=self.errors)

    @property
    def _named(self) -> list[Recipient]:
        return self.body.recipients or []

    def _check_door(self, canvas: CanvasId) -> None:
        newest = canvases.versions(self.db, self.workspace, canvas)[-1]
        if not newest.graph.entry.by_api:
            raise InputError(
                "people do not enter this Canvas by API.",
                remedy="Write by: api in its entry, and publish it.",
                field="canvas_name" if self.body.canvas_id is None else "canvas_id",
            )

    def _recipients(self) -> list[tuple[int, str | None]]:
        """The profile and context of each recipient who can be taken."""
        workspaces.pass_gate(self.db, self.workspace)
        read = {}
        for index, one in enumerate(self._named):
            try:
                _written(one.attributes, "attributes")
                read[index] = who_of(_identity(one)), self._context(one)
            except Unfit as error:
                self._refuse(index, error.field, error.reason)
        self._set_attributes({index: who for index, (who, _) in read.items()})
        known = identities.resolve(self.db, self.workspace, (who for who, _ in read.values()))
        found = []
        for index, (who, context) in read.items():
            if who in known:
                found.append((known[who], context))
            else:
                self._refuse(index, _field(who), "is nobody's")
        return found

    def _context(self, one: Recipient) -> str | None:
        """The call's context with the recipient's own over it. Raises Unfit."""
        whole: _Json = {}
        for part in (
            self.body.canvas_entry_properties,
            self.body.context,
            one.canvas_entry_properties,
            one.context,
        ):
            whole |= part or {}
        text = _written(whole, "context")
        if len(text) > CONTEXT_BYTES_MAX:
            raise Unfit("context", f"has more than {CONTEXT_BYTES_MAX:,} bytes")
        found = read_json(text)
        if isinstance(found, Refusal):
            raise Unfit("context", found.reason)
        return text.decode() if whole else None

    def _set_attributes(self, who: dict[int, Who]) -> None:
        """Attributes of recipients, and who is to be made, as `/users/track` takes them."""
        changing = [
            index
            for index in who
            if self._named[index].attributes is not None
            or not self._named[index].send_to_existing_only
        ]
        if not changing:
            return
        objects = [_track_object(self._named[index]) for index in changing]
        call = read_call(msgspec.json.encode({"attributes": objects}), self.now)
        (answer,) = tracking.store(self.db, self.workspace, [Received(call, None)], self.now)
        assert not isinstance(answer, Exception)
        for error in _errors(answer.body):
            self._refuse(changing[error["index"]], f"attributes.{error['field']}", error["type"])

    def _refuse(self, index: int, place: str, why: str) -> None:
        told = ObjectError(type=why, input_array=_ARRAY, index=index, field=place)
        self.errors.append(told)


def _written(value: _Json | None, place: str) -> bytes:
    """As JSON. Raises Unfit for half a character, and for what is nested too deeply."""
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, RecursionError):
        raise Unfit(place, "cannot be written as JSON") from None


def _identity(one: Recipient) -> Identity:
    return Identity(external_id=one.external_user_id, user_alias=one.user_alias, email=one.email)


def _track_object(one: Recipient) -> _Json:
    named: _Json = {"_update_existing_only": one.send_to_existing_only}
    if one.external_user_id is not None:
        named["external_id"] = one.external_user_id
    elif one.user_alias is not None:
        named["user_alias"] = one.user_alias.model_dump()
    else:
        named["email"] = one.email
    return (one.attributes or {}) | named


def _field(who: Who) -> str:
    return "external_user_id" if who.kind is WhoKind.EXTERNAL_ID else who.kind.value


def _errors(body: bytes) -> Iterable[_Json]:
    found: Sequence[_Json] = msgspec.json.decode(body).get("errors", ())
    return found
