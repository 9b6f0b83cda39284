"""The built pages on a port of their own, and made-up answers in the place of the API."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Page, Route
from tests.web.made_up import ME

from towpath.api import static

HANGS, FAILS, GONE = "hangs", "fails", "gone"
"""Answers that never come, say that something failed, or that there is no such thing."""
STREAM = "retry: 600000\n: nothing new\n\n"


@contextmanager
def served() -> Iterator[str]:
    """The address of the built pages."""
    app = FastAPI()
    static.mount(app)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def answer(page: Page, answers: Mapping[str, Any]) -> None:
    """Answer the page's calls: by path, data or one of the words above; None: nobody is signed in.

    `/v1/me` is a member unless said otherwise.
    """
    known = {"/v1/me": ME} | dict(answers)
    page.route("**/v1/**", lambda route: _answer(route, known))


def _answer(route: Route, answers: Mapping[str, Any]) -> None:
    path = "/" + route.request.url.partition("://")[2].partition("/")[2].partition("?")[0]
    found = answers.get(path, GONE)
    if path.endswith("/live"):
        route.fulfill(content_type="text/event-stream", body=STREAM)
    elif found is None:
        route.fulfill(status=401, json={"title": "It is not known who calls"})
    elif found == HANGS:
        return
    elif found == FAILS:
        detail = "The database cannot be reached; it is tried again."
        route.fulfill(status=503, json={"detail": detail, "request_id": "5f0c7a2e91b34d"})
    elif found == GONE:
        route.fulfill(status=404, json={"title": "There is no such thing"})
    else:
        route.fulfill(json=found)
