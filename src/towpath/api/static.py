"""The dashboard's built pages: `static/`, which the build hook fills from `web/`.

Assets bear their content's digest in their name and are kept for ever; the page itself is asked for
anew each time. Every address that is no file and not the API's is a page of the dashboard; under
/assets a missing file is missing, never a page.
"""

import re
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
NO_PAGES = frozenset({"assets", "v1", "users", "canvas"})
"""First parts of addresses that are never a page's."""
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
FOR_EVER = "public, max-age=31536000, immutable"
ZIPPED = ".gz"
_ASSET = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class PageRoute(Route):
    """Matches what may be a page, and nothing else: elsewhere a 404 or 405 stays what it is."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the address could be a page of the dashboard."""
        path = scope.get("path", "")
        first = path.lstrip("/").partition("/")[0]
        if "." in path or first in NO_PAGES or scope.get("method") not in {"GET", "HEAD"}:
            return Match.NONE, {}
        return super().matches(scope)


def mount(app: FastAPI, folder: Path = STATIC) -> None:
    """Serve the built pages of a folder. To be called after all other routes are there."""

    def asset(request: Request) -> Response:
        name = request.path_params["name"]
        place = folder / "assets" / name
        if not _ASSET.fullmatch(name) or name.endswith(ZIPPED) or not place.is_file():
            raise HTTPException(404)
        headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
        zipped = place.with_name(name + ZIPPED)
        if "gzip" in request.headers.get("accept-encoding", "") and zipped.is_file():
            headers["Content-Encoding"] = "gzip"
            kind = FileResponse(place).media_type
            return FileResponse(zipped, headers=headers, media_type=kind)
        return FileResponse(place, headers=headers)

    def page(_request: Request) -> Response:
        index = folder / "index.html"
        if not index.is_file():
            return HTMLResponse(_UNBUILT, 503, {"Content-Security-Policy": _UNBUILT_POLICY})
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
        return FileResponse(index, headers=headers, media_type="text/html")

    app.router.routes.append(Route("/assets/{name}", asset, methods=["GET"]))
    app.router.routes.append(PageRoute("/{path:path}", page, methods=["GET"]))


_UNBUILT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_UNBUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Towpath: the pages are not built</title>
<style>
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 34em; margin: 12vh auto;
         padding: 0 1.2em }
  code { background: #8882; padding: .15em .4em; border-radius: .3em }
</style>
<h1>The dashboard's pages are not built</h1>
<p>The API and the engine work; only the pages are missing from this installation, because it was
made with <code>TOWPATH_SKIP_WEB=1</code> or straight from a folder of sources.</p>
<p>In a checkout, <code>./dev --version</code> builds them (it needs PyPI and the npm registry, no
Node). Elsewhere, install a released wheel: it carries them. Then load this page again.</p>
</html>
"""
