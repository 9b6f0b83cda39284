"""The example of docs/canvas.md is true; no finding or operator is missing in the documents."""

import ast
from pathlib import Path

from towpath.canvas.parse import parse_canvas
from towpath.people.filter import COLUMNS, Op

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "canvas.md").read_text(encoding="utf-8")
STEPS = (ROOT / "docs" / "steps.md").read_text(encoding="utf-8")
SEGMENTS = (ROOT / "docs" / "segments.md").read_text(encoding="utf-8")


def test_the_example_is_a_canvas() -> None:
    example = DOCUMENT.split("```yaml\n")[1].split("```")[0]
    assert list(parse_canvas(example).steps) == ["wait", "split", "add", "later", "remove", "leave"]


def test_every_word_of_the_language_is_explained() -> None:
    for word in [*Op, *COLUMNS]:
        assert f"`{word}`" in SEGMENTS, word


def test_every_code_is_explained() -> None:
    sources = [*(ROOT / "src/towpath/canvas").rglob("*.py")]
    codes = {code for path in sources for code in _codes(path)}
    assert len(codes) > 15
    assert {code for code in codes if f"`{code}`" not in DOCUMENT + STEPS} == set()


def _codes(path: Path) -> set[str]:
    """The first words of findings: calls of Finding and error, and tuples of four texts."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts = node.elts if isinstance(node, ast.Tuple) and len(node.elts) == 4 else []
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Finding", "error"}:
            parts = node.args
        if parts and isinstance(parts[0], ast.Constant) and "_" in str(parts[0].value):
            found.add(str(parts[0].value))
    return found
