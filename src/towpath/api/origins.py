"""Where a browser's request comes from: other sites may not act for a visitor who is signed in.

Browsers say so in `Sec-Fetch-Site` and `Origin`, which no page can forge; programs send neither.
"""

from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers

from towpath.api.problems import Problem

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def is_cross_site(method: str, headers: Headers) -> bool:
    """Does another site make the visitor's browser send this unsafe request? With a key in its
    header it does not: browsers never add that by themselves (as they do a Basic password)."""
    if method in SAFE or headers.get("authorization", "").lower().startswith("bearer "):
        return False
    if (site := headers.get("sec-fetch-site")) is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and _place(origin) != headers.get("host", "").lower()


def check_cookies_reach(request: Request) -> None:
    """A browser keeps the session's cookie over https, or on this machine, only. Raises Problem
    403 that says so, before anybody wonders why signing in does nothing."""
    origin = request.headers.get("origin", "")
    try:
        parts = urlsplit(origin)
    except ValueError:
        return
    if parts.scheme == "http" and parts.hostname not in HERE:
        raise Problem(
            403,
            "A browser keeps nobody signed in over plain http.",
            remedy="Put https in front of Towpath (docs/api.md), or open it on its own machine as"
            " http://127.0.0.1.",
        )


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
