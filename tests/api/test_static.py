"""The built pages over HTTP: what is a page, what is a file, and what is neither."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from tests.api.conftest import calling

from towpath.api import problems, static
from towpath.api.envelope import Envelope


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pages as the build makes them."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Towpath</title>")
    (tmp_path / "assets" / "index-1a2b.js").write_text("let people = 1")
    (tmp_path / "assets" / "index-1a2b.js.gz").write_bytes(b"zipped")
    (tmp_path / "secret.txt").write_text("never")
    return tmp_path


def _nothing() -> None:
    """A route that is no page."""


@pytest.fixture
async def visitor(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a session, at an app with one route beside the pages."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_api_route("/users/track", _nothing, methods=["POST"])
    app.add_api_route("/v1/things", _nothing, methods=["POST"])
    problems.add_to(app)
    app.add_middleware(Envelope)
    static.mount(app, folder)
    async with calling(app, None) as found:
        yield found


@pytest.mark.parametrize("path", ["/", "/canvases", "/canvases/7", "/sign-in", "/anything/at/all"])
async def test_pages(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert (await visitor.head(path)).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/assets/gone-1.js", 404),
        ("/assets/gone", 404),
        ("/assets/..%2fsecret.txt", 404),
        ("/assets/index-1a2b.js.gz", 404),
        ("/secret.txt", 404),
        ("/v1/unknown", 404),
        ("/users/unknown", 404),
        ("/canvas/unknown", 404),
        ("/canvases/favicon.ico", 404),
        ("/users/track", 405),
        ("/v1/things", 405),
    ],
)
async def test_no_pages(visitor: httpx.AsyncClient, path: str, status: int) -> None:
    """A page in the place of a missing script shows nothing, and nobody finds out why."""
    answer = await visitor.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_assets_are_kept_for_ever(visitor: httpx.AsyncClient) -> None:
    plain = await visitor.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert plain.text == "let people = 1"
    assert "immutable" in plain.headers["cache-control"]
    assert "javascript" in plain.headers["content-type"]
    head = await visitor.head("/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip"})
    assert head.headers["content-encoding"] == "gzip"
    assert head.headers["content-length"] == "6"
    assert "javascript" in head.headers["content-type"]


async def test_a_page_that_explains_itself(visitor: httpx.AsyncClient, folder: Path) -> None:
    (folder / "index.html").unlink()
    answer = await visitor.get("/canvases")
    assert answer.status_code == 503
    assert "./dev --version" in answer.text
