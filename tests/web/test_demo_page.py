"""The demo in a real browser: signed in by its link, a Canvas whose counters move to exact values.

Everything is real: engine, sandbox, database, API, built pages, Chromium.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.cli.office import KEY
from tests.cli.test_demo import SPANS as SHORT

from towpath.cli import compose
from towpath.cli.demo import reading, run
from towpath.cli.demo.run import AT_REST, SPANS, Stage, Wanted

PEOPLE = 400


class Demo:
    """A demo that runs in a thread; `ready` is set when its link is known, `rested` at its end."""

    def __init__(self) -> None:
        self.ready, self.rested = threading.Event(), threading.Event()
        self.link = ""
        self.counters: dict[str, dict[str, int]] = {}

    def show(self, stage: Stage) -> None:
        """Called from the demo's thread."""
        self.link = stage.link
        if self.link:
            self.ready.set()
        if stage.phase == AT_REST:
            self.counters = {step: asdict(one) for step, one in stage.counters().items()}
            self.rested.set()


@contextmanager
def running(url: str, folder: Path) -> Iterator[Demo]:
    """A demo without end, until this is left."""
    demo = Demo()
    settings = compose.read_settings(
        database_url=url, secret_keys=KEY, listen_port=0, log_level="error", **(SPANS | SHORT)
    )
    loop = asyncio.new_event_loop()
    wanted = Wanted(folder, PEOPLE, 7, 0.0, once=False)
    task = loop.create_task(run.run(settings, url, wanted, demo.show))

    def work() -> None:
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert demo.ready.wait(30)
        yield demo
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)


@pytest.fixture
def demo(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    """A demo whose people wait for shorter times."""
    quick = tmp_path / "canvas.yaml"
    quick.write_text(reading.CANVAS_FILE.read_text().replace("for: 8s", "for: 2s"))
    monkeypatch.setattr(run, "CANVAS_FILE", quick)
    monkeypatch.chdir(tmp_path)
    with running(database_url, tmp_path) as found:
        yield found


def _figure(page: Page, step: str, name: str) -> int:
    found = page.locator(f"[data-step='{step}'] [data-figure='{name}']").first
    return int(found.get_attribute("data-value") or "-1")


def test_a_canvas_that_moves(page: Page, demo: Demo) -> None:
    page.goto(demo.link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Winback")).to_be_visible()
    expect(page.get_by_text("SANDBOX")).to_be_visible()
    assert _figure(page, "add", "synced") == 0, "people wait for whoever opens the link"
    expect(page.locator(".live")).to_have_attribute("data-live", "on")
    expect(page.locator("[data-state=running]")).to_be_visible()
    assert demo.rested.wait(40)
    assert demo.counters["add"]["synced"] > 100
    for step, counters in demo.counters.items():
        for name, value in counters.items():
            found = page.locator(f"[data-step='{step}'] [data-figure='{name}']")
            if found.count():
                expect(found.first).to_have_attribute("data-value", str(value))
    add = {name: _figure(page, "add", name) for name in demo.counters["add"]}
    assert add["entered"] == sum(add[one] for one in ("synced", "not_synced", "pending", "errored"))
    edge = page.locator("[data-edge='split yes'] [data-figure=people]")
    expect(edge).to_have_attribute("data-value", str(add["entered"]))
    page.goto("about:blank")  # a page that is open asks on when the demo has ended
