"""The whole repository keeps the law of the house. The rules stand in the files beside."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from tests.tidy import documents, imports, style

ROOT = Path(__file__).parents[2]
CODE = ROOT / "src" / "towpath"
PLACES = ("src", "tests", "benchmarks", "docs")
TOP = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "ROADMAP.md")
Rule = Callable[[str, str], list[str]]


def _violations(rule: Rule, files: Iterable[Path], root: Path) -> list[str]:
    return [
        violation
        for file in files
        for violation in rule(file.relative_to(root).as_posix(), file.read_text("utf-8"))
    ]


def _files() -> Iterator[Path]:
    for place in PLACES:
        for file in sorted((ROOT / place).rglob("*")):
            if file.suffix in {".py", ".sql", ".md"} and "benchmarks/out" not in file.as_posix():
                yield file
    yield from (ROOT / name for name in (*TOP, *sorted(style.SHELL_SCRIPTS)))


@pytest.mark.parametrize(
    "rule",
    [
        style.check_size,
        style.check_lines,
        style.check_functions,
        style.check_name,
        style.check_top_paragraph,
        style.check_sql_time,
        style.check_sql_place,
    ],
)
def test_style(rule: Rule) -> None:
    assert _violations(rule, _files(), ROOT) == []


@pytest.mark.parametrize("rule", [imports.check_imports, imports.check_floor, imports.check_purity])
def test_rooms(rule: Rule) -> None:
    assert _violations(rule, sorted(CODE.rglob("*.py")), CODE) == []


def test_statements() -> None:
    assert style.check_statements(CODE / "store") == []


def test_architecture_names_files_that_exist() -> None:
    assert documents.check_named_files((ROOT / "ARCHITECTURE.md").read_text("utf-8"), ROOT) == []


def test_every_sentence_has_its_test_or_reason() -> None:
    assert documents.check_sentences((ROOT / "docs" / "document.md").read_text("utf-8"), ROOT) == []


def test_there_is_something_to_look_at() -> None:
    """The checks look at what is there: hundreds of files, dozens of sentences."""
    assert len(list(_files())) > 100
    assert (ROOT / "docs" / "document.md").read_text("utf-8").count("\n| S") > 50
