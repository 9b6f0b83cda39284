"""What the documents say is so: the files and the tests that they name exist."""

import ast
import re
from pathlib import Path

_PATH = re.compile(r"`((?:[\w.-]+/)+(?:[\w.-]+\.\w+)?|[\w-]+\.(?:py|md|lock|toml|sql))`")
_ROW = re.compile(r"^\| S(\d+) \| (.*) \| (.*) \|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
PLANNED = "planned"


def check_named_files(text: str, root: Path) -> list[str]:
    """Each path in backticks exists (from the root, or src/towpath), or its line says planned."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if PLANNED in line.lower():
            continue
        found += [
            f"line {number}: {path} does not exist; is it planned?"
            for path in _PATH.findall(line)
            if not any((place / path).exists() for place in (root, root / "src" / "towpath"))
        ]
    return found


def check_sentences(text: str, root: Path) -> list[str]:
    """Sentences are numbered without a gap, and each has a test that exists, or a reason."""
    rows = _ROW.findall(text)
    found = [] if rows else ["there is no sentence"]
    for place, (number, quote, status) in enumerate(rows, 1):
        if int(number) != place:
            found.append(f"S{number}: should be S{place:03}")
        if not quote.strip():
            found.append(f"S{number}: quotes nothing")
        if tests := _TEST.findall(status):
            found += [
                f"S{number}: {path} has no {name}"
                for path, name in tests
                if name not in _functions(root / path)
            ]
        elif not re.match(r"(later: |not applicable because )\S", status):
            found.append(f"S{number}: wants a test, `later: …` or `not applicable because …`")
    return found


def _functions(place: Path) -> set[str]:
    if not place.exists():
        return set()
    tree = ast.parse(place.read_text("utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
