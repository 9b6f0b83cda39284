"""Erasures over HTTP: people are forgotten here and at every partner, with a receipt."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from towpath.api.bodies import Body, Id
from towpath.api.callers import Caller, Scope, needs
from towpath.api.database import Database, Now
from towpath.api.idempotency import Once
from towpath.api.pages import Cursor, Page
from towpath.api.problems import documented
from towpath.limits import ERASURE_IDS_MAX, EXTERNAL_ID_CHARS_MAX
from towpath.store import erasures
from towpath.store.erasures import Erasure

router = APIRouter(prefix="/v1/erasures", tags=["erasures"])
Reader = Annotated[Caller, needs(Scope.USERS_READ)]
Writer = Annotated[Caller, needs(Scope.USERS_WRITE)]
State = Literal["due", "requested", "confirmed"]


class NewErasure(Body):
    """Whom to erase. It cannot be undone."""

    external_ids: list[Annotated[str, Field(min_length=1, max_length=EXTERNAL_ID_CHARS_MAX)]] = (
        Field(min_length=1, max_length=ERASURE_IDS_MAX)
    )


class RequestShown(BaseModel):
    """A removal that carried some of them. `request_id`: the partner's name for it."""

    request: int
    request_id: str | None
    state: str
    started_at: datetime
    answered_at: datetime | None
    window_end: datetime | None
    people: int


class AudienceLeft(BaseModel):
    """An audience in which they may have been."""

    audience: int
    name: str
    audience_ref: str
    ad_account_ref: str
    whose: Literal["theirs", "others"] = Field(
        description="`others`: an identifier that somebody else had too, and lost."
    )
    state: State
    people: int
    requested: int
    confirmed: int
    requests: list[RequestShown]


class ErasureShown(BaseModel):
    """A receipt. `unknown`: external ids that were nobody's."""

    id: int
    state: State = Field(
        description="`requested`: a removal was accepted everywhere. `confirmed`: no earlier add "
        "may still take effect, and our own keys are deleted."
    )
    asked_by: str
    asked_at: datetime
    people: int
    unknown: int
    others: int
    confirmed_at: datetime | None
    audiences: list[AudienceLeft]


@router.post("", status_code=201, operation_id="create_erasure", responses=documented(404, 409))
def create_erasure(
    body: NewErasure, caller: Writer, db: Database, now: Now, once: Once
) -> Response:
    """Erase people: personal data at once, then out of every audience. They do not come back."""

    def work() -> ErasureShown:
        asked = erasures.erase(db, caller.workspace, body.external_ids, caller.name, now)
        return shown(asked)

    return once.do(db, caller, now, 201, work)


@router.get("", operation_id="list_erasures")
def list_erasures(caller: Reader, db: Database, cursor: Cursor) -> Page[ErasureShown]:
    """The workspace's receipts, oldest first."""
    found = erasures.read_page(db, caller.workspace, after=cursor.number, limit=cursor.limit + 1)
    return cursor.page([shown(one) for one in found], lambda one: one.id)


@router.get("/{erasure}", operation_id="read_erasure", responses=documented(404))
def read_erasure(erasure: Id, caller: Reader, db: Database) -> ErasureShown:
    """A receipt as it stands now."""
    return shown(erasures.read(db, caller.workspace, erasure))


def shown(one: Erasure) -> ErasureShown:
    """A receipt as the API tells it."""
    return ErasureShown.model_validate(
        {
            "id": one.id,
            "state": one.state,
            "asked_by": one.asked_by,
            "asked_at": one.asked_at,
            "people": one.people,
            "unknown": one.unknown,
            "others": one.others,
            "confirmed_at": one.confirmed_at,
            "audiences": one.receipt or [],
        }
    )
