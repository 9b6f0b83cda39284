"""Members sign in with a password, or by a link that works once, and get a session in a cookie.

The cookie is `__Host-towpath`: no script reads it, no other site sends it with an unsafe request,
and browsers take it over https, or from this machine, only. Tries are limited.
"""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from towpath.api import origins, passwords
from towpath.api.bodies import Body
from towpath.api.callers import COOKIE, ROLES, AnyCaller, Caller
from towpath.api.database import Database, Now
from towpath.api.problems import Problem, documented
from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import MemberId
from towpath.limits import (
    EMAIL_CHARS_MAX,
    PASSWORD_CHARS_MAX,
    SESSION_S_MAX,
    SIGN_IN_ATTEMPTS_S,
)
from towpath.store import members, sessions, sign_in_attempts, workspaces
from towpath.store.database import Db
from towpath.store.members import Membership, Role

router = APIRouter(tags=["sign-in"])
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
Token = Annotated[str, Query(min_length=1, max_length=200, description="What the link holds.")]


class SignIn(Body):
    """Who signs in."""

    email: str = Field(min_length=3, max_length=EMAIL_CHARS_MAX)
    password: str = Field(min_length=1, max_length=PASSWORD_CHARS_MAX)


class Place(BaseModel):
    """A workspace, and what the caller is there."""

    name: str
    role: Role | None = Field(description="null: the caller is a key.")


class Me(BaseModel):
    """Who calls, and what they may do in which workspace."""

    name: str
    email: str | None = Field(description="null: the caller is a key.")
    workspace: str = Field(description="The one that requests without X-Towpath-Workspace are for.")
    role: Role | None
    scopes: list[str]
    workspaces: list[Place]


class Look(Body):
    """The workspace to look at from now on."""

    workspace: str = Field(min_length=1, max_length=200)


class NewPassword(Body):
    """Another password; `current` may be null only while there is none."""

    current: str | None = Field(max_length=PASSWORD_CHARS_MAX)
    password: str = Field(max_length=PASSWORD_CHARS_MAX)


@router.post(
    "/v1/sign-in", status_code=204, operation_id="sign_in", responses=documented(401, 403, 429)
)
def sign_in(body: SignIn, request: Request, db: Database, now: Now) -> Response:
    """Sign in with e-mail and password: the answer sets the cookie of a new session."""
    origins.check_cookies_reach(request)
    attempt = sign_in_attempts.begin(db, body.email, _address(request), now)
    if attempt is None:
        raise Problem(
            429,
            "There were too many tries to sign in.",
            remedy=f"Wait for {SIGN_IN_ATTEMPTS_S} seconds.",
            headers={"Retry-After": str(SIGN_IN_ATTEMPTS_S)},
        )
    found = members.find(db, body.email) if _storable(body.email) else None
    if not passwords.fits(body.password, found.password if found else None) or found is None:
        raise Problem(401, "E-mail address and password do not belong together.")
    sign_in_attempts.succeed(db, attempt)
    return _signed_in(Response(status_code=204), request, db, found.id, now)


@router.post("/v1/sign-out", status_code=204, operation_id="sign_out", responses=documented(403))
def sign_out(request: Request, db: Database) -> Response:
    """End the session; without one nothing happens."""
    if token := request.cookies.get(COOKIE):
        sessions.end(db, token)
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


@router.get(
    "/sign-in/link",
    operation_id="show_sign_in_link",
    response_class=HTMLResponse,
)
def show_sign_in_link(token: Token) -> HTMLResponse:
    """A page with a button: a link that is only looked at, as mail programs do, is not used up."""
    page = _PAGE.format(action=escape(f"/sign-in/link?token={token}", quote=True))
    return HTMLResponse(page, headers={"Content-Security-Policy": PAGE_POLICY})


@router.post(
    "/sign-in/link",
    status_code=303,
    operation_id="use_sign_in_link",
    response_class=RedirectResponse,
    responses=documented(401, 403),
)
def use_sign_in_link(token: Token, request: Request, db: Database, now: Now) -> Response:
    """Sign in by a link, which works once, and go to the dashboard."""
    origins.check_cookies_reach(request)
    member = sessions.use_link(db, token, now)
    if member is None:
        raise Problem(
            401,
            "This link signs nobody in: it was used, or its time is over.",
            remedy="`towpath member link --email …` prints another.",
        )
    return _signed_in(RedirectResponse("/", 303), request, db, member, now)


@router.get("/v1/me", operation_id="read_me")
def read_me(caller: AnyCaller, db: Database) -> Me:
    """Who calls, and what they may do."""
    return _me(db, caller)


@router.put("/v1/me/workspace", operation_id="look_at_workspace")
def look_at_workspace(body: Look, caller: AnyCaller, db: Database) -> Me:
    """Look at another workspace of the member's from now on."""
    member, session = _member(caller)
    for one in members.memberships(db, member):
        if one.name == body.workspace:
            sessions.switch(db, session, one.workspace)
            return _me(db, caller, one)
    raise NotFoundError("There is no such workspace.", field="workspace")


@router.put(
    "/v1/me/password", status_code=204, operation_id="set_password", responses=documented(429)
)
def set_password(
    body: NewPassword, caller: AnyCaller, request: Request, db: Database, now: Now
) -> Response:
    """Take another password. The member's other sessions end."""
    number, session = _member(caller)
    member = members.read(db, number)
    attempt = sign_in_attempts.begin(db, member.email, _address(request), now)
    if attempt is None:
        raise Problem(429, "There were too many tries.", headers={"Retry-After": "60"})
    if member.password is not None and not passwords.fits(body.current or "", member.password):
        raise Problem(403, "This is not the current password.", field="current")
    sign_in_attempts.succeed(db, attempt)
    members.set_password(db, number, passwords.hashed(body.password))
    sessions.end_others(db, number, session)
    return Response(status_code=204)


def _signed_in(
    answer: Response, request: Request, db: Db, member: MemberId, now: Instant
) -> Response:
    """The answer with the cookie of a new session; the one before ends."""
    places = members.memberships(db, member)
    if not places:
        raise Problem(403, "You work in no workspace any more.", remedy="Ask an owner.")
    if before := request.cookies.get(COOKIE):
        sessions.end(db, before)
    token = sessions.start(db, member, places[0].workspace, now)
    answer.set_cookie(
        COOKIE, token, SESSION_S_MAX, path="/", secure=True, httponly=True, samesite="lax"
    )
    return answer


def _me(db: Db, caller: Caller, at: Membership | None = None) -> Me:
    if caller.member is None:
        name = workspaces.read(db, caller.workspace).name
        place = Place(name=name, role=None)
        return Me(
            name=caller.name,
            email=None,
            workspace=name,
            role=None,
            scopes=sorted(caller.scopes),
            workspaces=[place],
        )
    found = members.memberships(db, caller.member)
    here = at or next(one for one in found if one.workspace == caller.workspace)
    return Me(
        name=caller.name,
        email=members.read(db, caller.member).email,
        workspace=here.name,
        role=here.role,
        scopes=sorted(ROLES[here.role]),
        workspaces=[Place(name=one.name, role=one.role) for one in found],
    )


def _member(caller: Caller) -> tuple[MemberId, bytes]:
    if caller.member is None or caller.session is None:
        raise Problem(403, "A key is no member.", remedy="Sign in.")
    return caller.member, caller.session


def _address(request: Request) -> str:
    """Where the request comes from, as the server knows it; a header could be forged."""
    return request.client.host if request.client else ""


def _storable(text: str) -> bool:
    return "\0" not in text


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Towpath</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; display: grid; min-height: 90vh; margin: 0 }}
  form {{ margin: auto; text-align: center }}
  button {{ font: inherit; padding: .6em 1.6em; border: 0; border-radius: .4em; cursor: pointer;
           background: #0b6e4f; color: #fff }}
  @media (prefers-color-scheme: dark) {{ body {{ background: #1a1b1e; color: #eee }} }}
</style>
<form method="post" action="{action}">
  <h1>Towpath</h1>
  <p>This link signs you in once.</p>
  <button>Sign in</button>
</form>
</html>
"""
