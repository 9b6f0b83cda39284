"""API keys over HTTP: made, listed, revoked. The text of a key is shown once, when it is made."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from towpath.api.bodies import Body, Id, Name
from towpath.api.callers import Caller, Scope, needs, read_scopes
from towpath.api.database import Database, Now
from towpath.api.pages import Cursor, Page
from towpath.api.problems import Problem
from towpath.ids import ApiKeyId
from towpath.store import api_keys, audit_trail
from towpath.store.api_keys import ApiKey

router = APIRouter(prefix="/v1/api-keys", tags=["api keys"])
Admin = Annotated[Caller, needs(Scope.WORKSPACE_ADMIN)]


class NewKey(Body):
    """A key to be made."""

    name: Name
    scopes: list[str] = Field(min_length=1, max_length=len(Scope), description="What it may do.")


class KeyShown(BaseModel):
    """A key, as far as it can be shown."""

    id: int
    name: str
    hint: str = Field(description="How the key begins.")
    scopes: list[str]
    created_at: datetime
    used_at: datetime | None = Field(description="True to the minute.")
    revoked_at: datetime | None


class KeyMade(KeyShown):
    """A key that was just made."""

    key: str = Field(description="The key itself. It is not shown again.")


@router.post("", status_code=201, operation_id="create_api_key")
def create_api_key(body: NewKey, caller: Admin, db: Database, now: Now) -> KeyMade:
    """Make a key for the caller's workspace. Nobody can give away a scope that they lack."""
    scopes = read_scopes(body.scopes)
    if lacking := [scope for scope in scopes if scope not in caller.scopes]:
        raise Problem(
            403,
            f"The caller does not have {', '.join(lacking)}, and cannot give it away.",
            field="scopes",
        )
    with audit_trail.noted(db, caller.workspace, caller.actor, "key.created", "", now) as told:
        made, text = api_keys.create(db, caller.workspace, body.name, scopes, now)
        told |= {"key": made.id, "name": made.name, "scopes": made.scopes}
    return KeyMade(**_told(made), key=text)


@router.get("", operation_id="list_api_keys")
def list_api_keys(caller: Admin, db: Database, cursor: Cursor) -> Page[KeyShown]:
    """The workspace's keys, revoked ones too, oldest first."""
    rows = api_keys.list_all(db, caller.workspace, after=cursor.number, limit=cursor.limit + 1)
    return cursor.page([KeyShown(**_told(row)) for row in rows], lambda row: row.id)


@router.delete("/{key}", operation_id="revoke_api_key")
def revoke_api_key(key: Id, caller: Admin, db: Database, now: Now) -> KeyShown:
    """Revoke a key: within a second it opens nothing any more, anywhere. Again changes nothing."""
    where = f"key {key}"
    with audit_trail.noted(db, caller.workspace, caller.actor, "key.revoked", where, now):
        return KeyShown(**_told(api_keys.revoke(db, caller.workspace, ApiKeyId(key), now)))


def _told(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in KeyShown.model_fields}
