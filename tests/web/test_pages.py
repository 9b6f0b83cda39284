"""Each page in each of its states: what it says, in both schemes and languages, wide and narrow."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.web import made_up
from tests.web.browser import NARROW
from tests.web.pages import GONE, HANGS, answer

from towpath.canvas.graph import from_data, to_data
from towpath.canvas.registry import KINDS

CANVAS = "/canvases/1?view=drawing"
FULL = {
    "/v1/canvases": {"items": made_up.ROWS, "next": None},
    "/v1/canvases/1": made_up.WINBACK,
}


def _no_wider_than_the_window(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_pages_fit(page: Page, pages: str, scheme: Any, width: str) -> None:
    answer(page, FULL)
    page.emulate_media(color_scheme=scheme)
    if width == "narrow":
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    page.goto(f"{pages}/canvases")
    expect(page.get_by_role("row")).to_have_count(5)
    expect(page.locator("[data-figure=inside][data-value='1204377']")).to_be_visible()
    _no_wider_than_the_window(page)
    page.get_by_role("link", name="Winback").click()
    expect(page.locator("[data-step=add]")).to_contain_text("Add to “winback”")
    drawn = page.locator(".drawing")
    expect(drawn).to_have_count(1 if width == "wide" else 0)
    _no_wider_than_the_window(page)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") == (scheme == "light")


def test_the_drawing_says_everything(page: Page, pages: str) -> None:
    answer(page, FULL)
    page.goto(pages + CANVAS)
    card = page.locator("[data-step=add]")
    for name in ("Entered", "Proceeded to next step", "Users synced", "Users not synced"):
        expect(card.get_by_text(name, exact=True)).to_be_visible()
    expect(card.locator("[data-figure=synced]")).to_have_text("803,911")
    expect(card.locator("[data-outcome]")).to_have_count(4)
    expect(page.locator("[data-edge='split no']")).to_contain_text("353,363")
    widths = page.eval_on_selector_all(
        ".flow", "all => all.map(one => parseFloat(getComputedStyle(one).strokeWidth))"
    )
    assert max(widths) == 16
    assert min(widths) < 6


def test_a_removal_says_whom_it_removes(page: Page, pages: str) -> None:
    """No arrow leads to its step."""
    answer(page, {"/v1/canvases/1": made_up.WINBACK})
    page.goto(f"{pages}/canvases/1?view=list")
    told = page.locator("[data-step=spare]")
    expect(told).to_contain_text("For people who convert, people who no longer match")


def test_by_keyboard_alone(page: Page, pages: str) -> None:
    answer(page, FULL)
    page.goto(pages + CANVAS)
    card = page.get_by_role("group", name="Audience Sync: Add to “winback”")
    card.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_test_id("panel")
    expect(panel).to_contain_text("91.2%")
    expect(page.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_trouble_is_told_with_its_cure(page: Page, pages: str) -> None:
    answer(page, {"/v1/canvases/1": made_up.IN_TROUBLE})
    page.goto(pages + CANVAS + "&step=add")
    told = page.get_by_role("alert")
    expect(told).to_have_count(2)
    expect(told.first).to_contain_text("add, remove: The connection is broken")
    expect(told.first).to_contain_text("Connect again")
    panel = page.get_by_test_id("panel")
    expect(panel.locator("[data-reason=no_consent]")).to_have_text("40,001")


def test_in_portuguese(page: Page, pages: str) -> None:
    answer(page, FULL)
    page.goto(pages + CANVAS)
    page.get_by_role("button", name="Language").click()
    page.get_by_role("menuitem", name="Português (Brasil)").click()
    card = page.locator("[data-step=add]")
    expect(card).to_contain_text("Adicionar a “winback”")
    expect(card).to_contain_text("Avançaram para a etapa seguinte")
    expect(card.locator("[data-figure=synced]")).to_have_text("803.911")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "pt-BR")


def test_every_kind_of_step(page: Page, pages: str) -> None:
    """The page draws the arrows that the engine walks, and none besides."""
    graph = from_data(made_up.EVERY_KIND["graph"])
    assert {step.kind for step in graph.steps.values()} >= KINDS.keys() - {"decision_split"}
    answer(page, {"/v1/canvases/1": made_up.EVERY_KIND | {"graph": to_data(graph)}})
    page.goto(pages + CANVAS)
    expect(page.locator("[data-step=end]")).to_be_attached()
    drawn = page.eval_on_selector_all("[data-edge]", "all => all.map(one => one.dataset.edge)")
    walked = {
        f"{name} {edge}"
        for name, step in graph.steps.items()
        for edge in step.edges()
        if len(step.edges()) > 1 or step.edges()[edge]
    }
    assert set(drawn) == walked | {"(entry) entered"}
    page.goto(f"{pages}/canvases/1?view=list")
    for name in ("Audience Paths", "Action Paths", "Experiment Paths", "User Update", "Webhook"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    expect(page.get_by_text("SANDBOX")).to_have_count(0)


def test_nobody_signed_in(page: Page, pages: str) -> None:
    answer(page, {"/v1/me": None})
    page.goto(f"{pages}/canvases/1")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_be_focused()
    assert "next=" in page.url


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"/v1/canvases": {"items": [], "next": None}}, "No Canvas yet"),
        ({"/v1/canvases": HANGS}, "Reading the Canvases"),
    ],
)
def test_nothing_to_show(page: Page, pages: str, answers: dict[str, Any], told: str) -> None:
    answer(page, answers)
    page.goto(f"{pages}/canvases")
    expect(page.get_by_text(told)).to_be_attached()


def _splits(depth: int, step: str = "s") -> dict[str, Any]:
    """A tree of decision splits, lopsided: `no` goes on one level less."""
    if depth == 0:
        return {}
    yes, no = f"{step}y", f"{step}n"
    below = _splits(depth - 1, yes) | _splits(depth - 2 if depth > 1 else 0, no)
    return {
        step: {
            "kind": "decision_split",
            "yes": yes if yes in below else None,
            "no": no if no in below else None,
        }
    } | below


def test_branches_never_swap(page: Page, pages: str) -> None:
    steps = _splits(5)
    graph = {"canvas": "Tree", "entry": {"at": "launch", "first": "s"}, "steps": steps}
    answer(
        page, {"/v1/canvases/1": made_up.WINBACK | {"graph": graph, "counters": {}, "edges": []}}
    )
    page.goto(pages + CANVAS)
    expect(page.locator("[data-edge]")).to_have_count(2 * len(steps) + 1)
    for step in steps:
        boxes = [
            page.locator(f"[data-edge='{step} {edge}']").bounding_box() for edge in ("yes", "no")
        ]
        assert boxes[0]
        assert boxes[1]
        assert boxes[0]["x"] < boxes[1]["x"], step


def test_an_unknown_canvas(page: Page, pages: str) -> None:
    answer(page, {"/v1/canvases/1": GONE})
    page.goto(f"{pages}/canvases/1")
    expect(page.get_by_text("There is no such Canvas")).to_be_visible()


def test_conversions_refusals_and_versions_are_shown(page: Page, pages: str) -> None:
    """What an entry led to, who was kept out and why, and what the counters are of."""
    answer(page, {"/v1/canvases/1": made_up.WINBACK})
    page.goto(pages + CANVAS)
    goals = page.locator(".goals")
    expect(goals).to_contain_text("Converted: any purchase within 3 days104,9388.5%")
    expect(goals).to_contain_text("control group 7.1%")
    expect(page.get_by_text("The counters of all 3 versions together")).to_be_visible()
    door = page.locator('[data-step="(entry)"]')
    expect(door.locator("[data-figure=kept_out]")).to_have_attribute("data-value", "4012")
    expect(door.locator("[data-figure=control]")).to_have_attribute("data-value", "61002")
    expect(door.get_by_title("Entered before: 4,012")).to_be_visible()


def test_no_label_hides_another(page: Page, pages: str) -> None:
    """Ways that meet in one step have their labels side by side under the card they leave."""
    answer(page, {"/v1/canvases/1": made_up.EVERY_KIND})
    page.goto(pages + CANVAS)
    expect(page.locator("[data-edge='acts else']")).to_be_visible()
    expect(page.locator("[data-step=hook]")).to_contain_text("Call crm.example.com")
    boxes = page.eval_on_selector_all(
        "[data-edge]",
        "all => all.map(one => [one.dataset.edge, one.getBoundingClientRect().toJSON()])",
    )
    for place, (edge, one) in enumerate(boxes):
        for other_edge, other in boxes[place + 1 :]:
            beside = one["right"] <= other["left"] or other["right"] <= one["left"]
            above = one["bottom"] <= other["top"] or other["bottom"] <= one["top"]
            assert beside or above, (edge, other_edge)
