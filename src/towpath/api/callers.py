"""Who calls, for which workspace, and what they may do.

A route says what it needs: `caller: Annotated[Caller, needs(Scope.TRACK)]`. A caller shows an API
key as `Authorization: Bearer tp_…`, or has the cookie of a session (`api/sign_in.py`). What a key
stands for is kept for API_KEY_KEPT_S, so a revoked key is dead within a second in every process;
unknown keys and sessions are not kept.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from towpath.api.problems import Problem
from towpath.errors import InputError, NotFoundError
from towpath.ids import ApiKeyId, MemberId, WorkspaceId
from towpath.limits import API_KEY_KEPT_S, API_KEYS_KEPT_MAX
from towpath.people.filter_parse import nearest
from towpath.store import api_keys, members, sessions
from towpath.store.api_keys import KeyHolder
from towpath.store.database import Pool, database_now
from towpath.store.members import Role

COOKIE = "__Host-towpath"
WORKSPACE = "X-Towpath-Workspace"


class Scope(StrEnum):
    """What a key may be good for."""

    TRACK = "track"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    SEGMENTS_READ = "segments:read"
    SEGMENTS_WRITE = "segments:write"
    CANVASES_READ = "canvases:read"
    CANVASES_WRITE = "canvases:write"
    CANVASES_LAUNCH = "canvases:launch"
    TRIGGER = "trigger"
    WORKSPACE_ADMIN = "workspace:admin"


SCOPES = {scope.value: scope for scope in Scope}
_ALL = frozenset(Scope)
_READ = frozenset({Scope.USERS_READ, Scope.SEGMENTS_READ, Scope.CANVASES_READ})
ROLES = {
    Role.OWNER: _ALL,
    Role.ADMIN: _ALL,
    Role.EDITOR: _ALL - {Scope.USERS_WRITE, Scope.WORKSPACE_ADMIN},
    Role.ANALYST: _READ,
    Role.PRIVACY: frozenset({Scope.USERS_READ, Scope.USERS_WRITE}),
}
"""What a member may do in a workspace. Only an owner makes workspaces and members."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a key, or a member who is signed in. `name` may be shown and logged."""

    workspace: WorkspaceId
    scopes: frozenset[Scope]
    name: str
    key: ApiKeyId | None = None
    member: MemberId | None = None
    role: Role | None = None
    session: bytes | None = None

    @property
    def actor(self) -> str:
        """Who it is, for the audit trail."""
        return f"member {self.member} ({self.name})" if self.member else f"key {self.key}"


@dataclass(slots=True)
class KeptKeys:
    """Keys that were good a moment ago, by their digest."""

    _kept: dict[bytes, tuple[float, KeyHolder]] = field(default_factory=dict)

    def find(self, digest: bytes) -> KeyHolder | None:
        """Whom the key stood for, if that was read less than API_KEY_KEPT_S ago."""
        kept = self._kept.get(digest)
        return kept[1] if kept and time.monotonic() - kept[0] < API_KEY_KEPT_S else None

    def keep(self, digest: bytes, holder: KeyHolder, read_at: float) -> None:
        """Remember what was read at `read_at` on the monotonic clock."""
        if len(self._kept) >= API_KEYS_KEPT_MAX:
            self._kept.clear()
        self._kept[digest] = (read_at, holder)


_BEARER = HTTPBearer(
    scheme_name="api_key", auto_error=False, description="An API key: `towpath key create`."
)
_SESSION = APIKeyCookie(
    name=COOKIE,
    scheme_name="session",
    auto_error=False,
    description="A member who is signed in. X-Towpath-Workspace names another workspace of theirs.",
)


def read_scopes(texts: Iterable[str], field: str = "scopes") -> list[Scope]:
    """The scopes of these names, each once. Raises InputError that names the nearest."""
    found = []
    for text in dict.fromkeys(texts):
        if text not in SCOPES:
            raise InputError(
                f"{text[:100]!r} is no scope.",
                remedy=nearest(text, SCOPES),
                field=field,
            )
        found.append(Scope(text))
    if not found:
        raise InputError("It has no scope.", remedy=f"Possible: {', '.join(Scope)}.", field=field)
    return found


async def _caller(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    session: Annotated[str | None, Security(_SESSION)],
) -> Caller:
    """Whoever calls. Raises Problem 401, and 404 for a workspace that is not theirs."""
    if bearer is not None:
        return await _by_key(request, bearer.credentials)
    if session is None:
        raise _unknown("It is not said who calls.", "Send a key: Authorization: Bearer tp_….")
    named = request.headers.get(WORKSPACE)
    return await run_in_threadpool(_by_session, request.app.state.parts.pool, session, named)


async def _by_key(request: Request, text: str) -> Caller:
    state = request.app.state
    digest = api_keys.digest_of(text)
    holder = state.kept_keys.find(digest)
    if holder is None:
        read_at = time.monotonic()
        holder = await run_in_threadpool(_read_key, state.parts.pool, text)
        if holder is None:
            raise _unknown("This key opens nothing.", "`towpath key list` shows which there are.")
        state.kept_keys.keep(digest, holder, read_at)
    scopes = frozenset(SCOPES[each] for each in holder.scopes if each in SCOPES)
    return Caller(holder.workspace, scopes, holder.name, key=holder.id)


def _read_key(pool: Pool, text: str) -> KeyHolder | None:
    with pool.connection() as db:
        return api_keys.holder(db, text, database_now(db))


def _by_session(pool: Pool, token: str, named: str | None) -> Caller:
    """The member, in the workspace that the request names, else the one that they look at."""
    with pool.connection() as db:
        found = sessions.read(db, token, database_now(db))
        if found is None:
            raise _unknown("The session is over.", "Sign in again.")
        works_in = members.memberships(db, found.member)
    for one in works_in:
        if one.name == named or (named is None and one.workspace == found.workspace):
            return Caller(
                one.workspace,
                ROLES[one.role],
                found.name,
                member=found.member,
                role=one.role,
                session=found.digest,
            )
    raise NotFoundError("There is no such workspace.", field=WORKSPACE if named else "")


def _unknown(message: str, remedy: str) -> Problem:
    return Problem(401, message, remedy=remedy, headers={"WWW-Authenticate": "Bearer"})


AnyCaller = Annotated[Caller, Depends(_caller)]
"""Whoever calls, whatever they may do."""


def needs(scope: Scope) -> Any:
    """For `Annotated[Caller, needs(Scope.X)]`: the caller, who has that scope. Raises Problem 401
    and 403."""

    async def check(caller: AnyCaller) -> Caller:
        if scope not in caller.scopes:
            raise Problem(
                403,
                f"This needs the scope {scope.value}, which the caller does not have.",
                remedy="Use a key that has it: `towpath key create`.",
            )
        return caller

    return Depends(check)
