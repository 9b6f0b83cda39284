"""The page to which TikTok's consent page sends the browser back. It is for people: it connects,
and goes on to the dashboard, or says in words why not.

The code and the state are in its address, so its answer is never kept and names no referrer.
"""

from html import escape

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from towpath.api import callback
from towpath.api.callback_pace import CallbackPace
from towpath.api.callers import COOKIE
from towpath.api.connections import CALLBACK
from towpath.api.database import Database, Now
from towpath.api.problems import Problem, problem_of
from towpath.api.reaching import reaching
from towpath.api.sign_in import PAGE_POLICY
from towpath.errors import InputError, TowpathError
from towpath.limits import CALLBACK_QUERY_CHARS_MAX, CALLBACKS_S
from towpath.store import authorisations, sessions
from towpath.store.database import DatabaseHitch, Db

router = APIRouter(tags=["connections"])
HEADERS = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}
_PAGES = {status: {"description": "Why it did not connect, as a page.",
                   "content": {"text/html": {}}}
          for status in (400, 401, 403, 409, 414, 429, 500, 502, 503)}  # fmt: skip


@router.get(
    CALLBACK,
    operation_id="finish_connecting_in_browser",
    status_code=303,
    response_class=RedirectResponse,
    responses=_PAGES,  # type: ignore[arg-type]
)
def finish_connecting_in_browser(request: Request, db: Database, now: Now) -> Response:
    """For TikTok's consent page, which adds state and auth_code. The browser must be signed in as
    whoever began."""
    query = str(request.scope["query_string"], "latin-1")
    try:
        _check_pace(request, now)
        back = callback.read(query)
        session = sessions.read(db, request.cookies.get(COOKIE, ""), now)
        if session is None:
            _check_host(db, back.state, request)
            raise Problem(400, "You are not signed in here.", remedy=f"Sign in. {callback.AGAIN}")
        holder = f"session {session.digest.hex()}"
        actor = f"member {session.member} ({session.name})"
        done = reaching(request, lambda reach: callback.finish(db, reach, back, holder, actor))
    except (TowpathError, DatabaseHitch) as error:
        return _page(error, request, too_long=len(query) > CALLBACK_QUERY_CHARS_MAX)
    return RedirectResponse(f"/connections/{done.id}", 303, HEADERS)


def _check_pace(request: Request, now: Now) -> None:
    pace: CallbackPace = request.app.state.callback_pace
    if not pace.allows(request.client.host if request.client else "", now):
        raise Problem(
            429,
            "There were too many answers from this address.",
            remedy=f"Wait for {CALLBACKS_S} seconds. {callback.AGAIN}",
        )


def _check_host(db: Db, state: str, request: Request) -> None:
    """A cookie does not follow to another address: say which two differ, not "sign in"."""
    found = authorisations.find(db, state)
    here = f"{str(request.base_url).rstrip('/')}{CALLBACK}"
    if found is not None and found.redirect_uri != here:
        raise Problem(
            400,
            f"TikTok's answer came to {here}, but it was awaited at {found.redirect_uri}.",
            remedy="Whoever runs Towpath sets TOWPATH_PUBLIC_URL to the address that people open, "
            "and names it among the app's redirect URLs at TikTok; behind a proxy it also hands on "
            f"Host and X-Forwarded-Proto. {callback.AGAIN}",
        )


def _page(error: Exception, request: Request, *, too_long: bool) -> HTMLResponse:
    problem = problem_of(error, request)
    status = 400 if isinstance(error, InputError) else problem.status
    page = _PAGE.format(message=escape(problem.message), remedy=escape(problem.remedy))
    return HTMLResponse(page, 414 if too_long else status, HEADERS)


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Towpath: not connected</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 34em; margin: 12vh auto;
         padding: 0 1.2em }}
</style>
<h1>TikTok is not connected</h1>
<p>{message}</p>
<p>{remedy}</p>
<p><a href="/connections">Back to Towpath</a></p>
</html>
"""
