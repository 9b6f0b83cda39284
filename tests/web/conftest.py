"""The browser for the tests of the pages, and the built pages behind made-up answers.

Playwright's loop runs in the main thread from the first use to the end of its fixture. So that no
asynchronous test of another file finds a running loop there, the fixtures end with each file.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, sync_playwright
from tests.web import browser as places
from tests.web.pages import served

from towpath.api import static


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright, while a file's tests run. Without Chromium or built pages they are skipped,
    unless they are required."""
    missing = ""
    if places.chromium() is None:
        missing = f"There is no Chromium. {places.HOW}"
    elif not (static.STATIC / "index.html").exists():
        missing = "The pages are not built; `./dev --version` builds them."
    if missing and os.environ.get(places.REQUIRED) == "required":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium."""
    found = playwright.chromium.launch(executable_path=places.chromium(), args=places.FLAGS)
    yield found
    found.close()


@pytest.fixture(scope="module")
def browser_context_args() -> dict[str, Any]:
    """A desk in São Paulo."""
    return {
        "viewport": places.WIDE,
        "locale": "en-US",
        "timezone_id": "America/Sao_Paulo",
        "reduced_motion": "reduce",
    }


@pytest.fixture
def page(page: Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page; what its console calls an error fails the test, but for made-up refusals."""
    faults: list[str] = []
    made_up = "pages" in request.fixturenames

    def heard(message: ConsoleMessage) -> None:
        refused = made_up and "/v1/" in message.location["url"]
        if message.type == "error" and not refused:
            faults.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_default_timeout(15_000)
    yield page
    page.unroute_all(behavior="ignoreErrors")
    assert faults == []


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """Where the built pages are served, without an API."""
    with served() as address:
        yield address
