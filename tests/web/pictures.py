"""Pictures of every page in every state: light and dark, English and Portuguese, wide and narrow.

    .venv/bin/python tests/web/pictures.py FOLDER [PART OF A NAME …]

The pages are the built ones; the API's answers are made up (`made_up.py`), so that empty, loading
and failing states can be looked at too. For the eye: nothing is compared.
"""

import itertools
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.web import browser, made_up
from tests.web.pages import FAILS, GONE, HANGS, answer, served


@dataclass(frozen=True)
class Scene:
    """A page: its address, what the API answers, and what is clicked before the picture."""

    path: str
    answers: dict[str, Any] = field(default_factory=dict)
    click: str = ""


def _canvas(data: Any) -> dict[str, Any]:
    return {"/v1/canvases/1": data}


def _list(rows: Any) -> dict[str, Any]:
    return {"/v1/canvases": rows if isinstance(rows, str) else {"items": rows, "next": None}}


SCENES = {
    "sign-in": Scene("/sign-in", {"/v1/me": None}),
    "canvases": Scene("/canvases", _list(made_up.ROWS)),
    "canvases-empty": Scene("/canvases", _list([])),
    "canvases-loading": Scene("/canvases", _list(HANGS)),
    "canvases-failing": Scene("/canvases", _list(FAILS)),
    "canvas": Scene("/canvases/1?view=drawing", _canvas(made_up.WINBACK)),
    "canvas-list": Scene("/canvases/1?view=list", _canvas(made_up.WINBACK)),
    "canvas-panel": Scene("/canvases/1?view=drawing&step=add", _canvas(made_up.WINBACK)),
    "canvas-kinds": Scene(
        "/canvases/1?view=drawing", _canvas(made_up.EVERY_KIND | {"state": "paused"})
    ),
    "canvas-trouble": Scene("/canvases/1?view=drawing&step=add", _canvas(made_up.IN_TROUBLE)),
    "canvas-empty": Scene("/canvases/1", _canvas(made_up.EMPTY)),
    "canvas-failing": Scene("/canvases/1", _canvas(FAILS)),
    "canvas-gone": Scene("/canvases/1", _canvas(GONE)),
    "canvas-menu": Scene(
        "/canvases/1", _canvas(made_up.WINBACK), "[aria-haspopup=menu]:first-of-type"
    ),
}


def main(folder: Path, parts: list[str]) -> None:
    """Take the pictures whose names hold one of the parts, or all."""
    folder.mkdir(parents=True, exist_ok=True)
    with served() as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.chromium(), args=browser.FLAGS
        )
        for scheme, language, width in itertools.product(
            ("light", "dark"), ("en-US", "pt-BR"), ("wide", "narrow")
        ):
            for name, scene in SCENES.items():
                full = f"{name}-{scheme}-{language[:2]}-{width}"
                if not parts or any(part in full for part in parts):
                    _take(chromium, address, scene, scheme, language, width, folder / f"{full}.png")


def _take(
    chromium: Browser, address: str, scene: Scene, scheme: Any, language: str, width: str, to: Path
) -> None:
    context = chromium.new_context(
        viewport=browser.WIDE if width == "wide" else browser.NARROW,  # type: ignore[arg-type]
        color_scheme=scheme,
        locale=language,
        timezone_id="America/Sao_Paulo",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.on("pageerror", lambda error: print(f"{to.name}: {error}"))  # noqa: T201
    answer(page, scene.answers)
    page.goto(address + scene.path)
    page.wait_for_timeout(900 if "failing" not in to.name else 4_500)
    if scene.click:
        page.locator(scene.click).first.click()
        page.wait_for_timeout(300)
    _check_width(page, to.name)
    page.screenshot(path=to)
    page.unroute_all(behavior="ignoreErrors")
    context.close()


def _check_width(page: Page, name: str) -> None:
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if over > 0:
        print(f"{name}: {over} px too wide")  # noqa: T201 - for whoever looks


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
