"""Canvas files that must not run: each is refused when it is read, or has a finding in the way, and
says where."""

from datetime import UTC, datetime

import pytest

from towpath.canvas.findings import Level
from towpath.canvas.parse import parse_canvas
from towpath.canvas.surroundings import Surroundings
from towpath.canvas.validate import validate
from towpath.errors import InputError

EXIT = "a: {kind: exit}"


def canvas(steps: str, entry: str = "at: launch", top: str = "canvas: X") -> bytes:
    return f"{top}\nentry: {{{entry}, first: a}}\nsteps:\n  {steps}\n".encode()


def lot(*weights: object) -> bytes:
    paths = ", ".join(
        f"{{name: n{place}, weight: {weight}, next: b}}" for place, weight in enumerate(weights)
    )
    return canvas(f"a: {{kind: experiment_paths, paths: [{paths}]}}\n  b: {{kind: exit}}")


def hook(url: str, more: str = "") -> bytes:
    return canvas(f'a: {{kind: webhook, url: "{url}"{more}}}')


def asking(rule: str) -> bytes:
    return canvas(EXIT, entry=f"at: launch, filter: {{attribute: x, {rule}}}")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param(canvas(EXIT, top="version: 99\ncanvas: X"), "version", id="D07"),
        pytest.param(canvas(f"{EXIT}\n  {EXIT}"), "line 5, column 3", id="D12"),
        pytest.param(lot(50, 40), "steps.a.paths", id="D28"),
        pytest.param(lot(60, 50), "steps.a.paths", id="D28-more"),
        pytest.param(lot(-10, 110), "steps.a.paths[0].weight", id="D29"),
        pytest.param(lot(100), "steps.a.paths", id="D30"),
        pytest.param(lot('"50"', '"50"'), "steps.a.paths[0].weight", id="D31"),
        pytest.param(asking('"≈": 3'), "entry.filter", id="D34"),
        pytest.param(asking('matches: "(a+)+$"'), "entry.filter", id="D35"),
        pytest.param(asking("above: many"), "entry.filter.above", id="D36"),
        pytest.param(hook("http://169.254.169.254/"), "steps.a.url", id="D38"),
        pytest.param(hook("file:///etc/passwd"), "steps.a.url", id="D39"),
        pytest.param(hook("https://u:p@example.com/"), "steps.a.url", id="D40"),
        pytest.param(hook("http://[::ffff:127.0.0.1]"), "steps.a.url", id="D41"),
        pytest.param(
            hook("https://example.com/", ', headers: {X: "a\\r\\nY: b"}'),
            "steps.a.headers.X",
            id="D43",
        ),
        pytest.param(
            hook("https://example.com/", ", method: TRACE"), "steps.a.method", id="D44"
        ),
    ],
)  # fmt: skip
def test_each_is_refused_with_its_place(text: bytes, place: str) -> None:
    assert place in places(text)


def places(text: bytes) -> set[str | None]:
    """Where the reader refuses it, or else findings stand in the way."""
    try:
        graph = parse_canvas(text)
    except InputError as error:
        return {error.field}
    found = validate(graph, Surroundings(datetime.now(UTC), {}))
    return {one.place for one in found if one.level is Level.ERROR}
