"""Is it there, and can it work? For load balancers and container platforms; no key is needed."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from towpath.api.database import Now

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", operation_id="read_health")
async def read_health() -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz", operation_id="read_readiness")
def read_readiness(now: Now) -> Health:  # noqa: ARG001 - it was read, so the database answers
    """The database answers too; otherwise 503."""
    return Health()
