"""The audit trail over HTTP: read by pages. Nobody writes here."""

import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from towpath.api.connections import Admin
from towpath.api.database import Database
from towpath.api.pages import Cursor, Page
from towpath.store import audit_trail
from towpath.store.audit_trail import Entry

router = APIRouter(prefix="/v1/audit-trail", tags=["audit trail"])


class EntryShown(BaseModel):
    """Who did what, to what, and when."""

    number: int
    at: datetime
    actor: str
    action: str
    object: str
    details: dict[str, Any]
    digest: str = Field(description="Over this entry and the one before; hexadecimal.")


@router.get("", operation_id="list_audit_trail")
def list_audit_trail(caller: Admin, db: Database, cursor: Cursor) -> Page[EntryShown]:
    """The workspace's entries, oldest first."""
    found = audit_trail.read_page(db, caller.workspace, after=cursor.number, limit=cursor.limit + 1)
    return cursor.page([_shown(one) for one in found], lambda one: one.number)


def _shown(one: Entry) -> EntryShown:
    return EntryShown(
        number=one.number,
        at=one.at,
        actor=one.actor,
        action=one.action,
        object=one.object,
        details=json.loads(one.details),
        digest=one.digest.hex(),
    )
