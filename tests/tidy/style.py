"""Sizes, names, top paragraphs and SQL: the law of the house that a machine can read.

A rule takes a file's path inside the repository and its text, and returns its violations as lines.
"""

import ast
import re
from pathlib import Path, PurePosixPath

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
LINE_CHARS_MAX = 100
PROSE_CHARS_MAX = 130
README_LINES_MAX = 150
BANNED_NAMES = frozenset(
    {"utils", "helpers", "common", "misc", "base", "manager", "handlers", "models"}
)
SHELL_SCRIPTS = frozenset({"dev", ".ci/run"})
# The schema is one truth, and a migration is never split once it has run.
WHOLE = re.compile(r"src/towpath/store/sql/(schema|migrations/\d{4}_\w+)\.sql")
CLOCK = "src/towpath/store/sql/clock.sql"
_PRAGMA = re.compile(r"\s*# (noqa|type: ignore).*")
_TIME = re.compile(
    r"\b(now\s*\(|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday"
    r"|current_(timestamp|date|time)\b|local(timestamp|time)\b)|'(now|today|yesterday|tomorrow)'",
    re.IGNORECASE,
)
_SQL = re.compile(
    r"\s*(--.*\s+)*(select\s.+\bfrom\b|insert into\s|update\s+\w+\s+set\s|delete from\s"
    r"|(create|alter|drop)\s+(table|index|database)\s|with\s+\w+\s+as\s*\()",
    re.IGNORECASE | re.DOTALL,
)


def check_size(path: str, text: str) -> list[str]:
    """No file over 400 lines; the README stays within 150."""
    most = README_LINES_MAX if path == "README.md" else FILE_LINES_MAX
    counted = path.endswith((".py", ".sql")) or path == "README.md" or path in SHELL_SCRIPTS
    lines = len(text.splitlines())
    if not counted or lines <= most or WHOLE.fullmatch(path):
        return []
    return [f"{path}: {lines} lines, at most {most}"]


def check_lines(path: str, text: str) -> list[str]:
    """No line over 100 characters (Markdown 130), but for table rows, addresses and pragmas."""
    most = PROSE_CHARS_MAX if path.endswith(".md") else LINE_CHARS_MAX
    return [
        f"{path}:{number}: {len(line)} characters, at most {most}"
        for number, line in enumerate(text.splitlines(), 1)
        if len(_PRAGMA.sub("", line)) > most and not _may_be_long(path, line)
    ]


def check_functions(path: str, text: str) -> list[str]:
    """No function over 60 lines."""
    if not path.endswith(".py"):
        return []
    return [
        f"{path}:{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def check_name(path: str, _text: str) -> list[str]:
    """No file or folder is named for nothing."""
    parts = PurePosixPath(path).with_suffix("").parts
    return [f"{path}: {part} says nothing" for part in parts if part in BANNED_NAMES]


def check_top_paragraph(path: str, text: str) -> list[str]:
    """Every file says on top what it is for."""
    if path.endswith(".py"):
        told = bool(ast.get_docstring(ast.parse(text)))
    elif path.endswith(".sql"):
        told = text.startswith("--")
    elif path in SHELL_SCRIPTS:
        told = text.startswith("#!") and text.split("\n", 2)[1].startswith("# ")
    else:
        told = True
    return [] if told else [f"{path}: says nowhere on top what it is for"]


def check_sql_time(path: str, text: str) -> list[str]:
    """SQL never asks the time, but for the one query of clock.sql."""
    if not path.endswith(".sql") or path == CLOCK:
        return []
    return [
        f"{path}:{number}: SQL asks the time"
        for number, line in enumerate(text.splitlines(), 1)
        if _TIME.search(line.partition("--")[0])
    ]


def check_sql_place(path: str, text: str) -> list[str]:
    """The store is the only room with SQL."""
    if not path.startswith("src/") or not path.endswith(".py") or "/store/" in path:
        return []
    return [
        f"{path}:{node.lineno}: SQL outside the store"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and _is_sql(node.value)
    ]


def check_statements(store: Path) -> list[str]:
    """Every `sql/NOUN.sql` has its `NOUN.py`, and every statement in it is named in the store."""
    code = "\n".join(file.read_text("utf-8") for file in sorted(store.glob("*.py")))
    found = []
    for file in sorted((store / "sql").glob("*.sql")):
        if (
            file.name not in {"schema.sql", "clock.sql"}
            and not (store / f"{file.stem}.py").exists()
        ):
            found.append(f"sql/{file.name}: there is no {file.stem}.py")
        names = re.findall(r"^-- name: (\S+)$", file.read_text("utf-8"), re.MULTILINE)
        found += [f"sql/{file.name}: two blocks are named {name}" for name in _twice(names)]
        found += [
            f"sql/{file.name}: {name} is not used" for name in names if f'"{name}"' not in code
        ]
    return found


def _may_be_long(path: str, line: str) -> bool:
    return path.endswith(".md") and (line.lstrip().startswith("|") or " " not in line.strip("- "))


def _is_sql(value: object) -> bool:
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    return isinstance(text, str) and bool(_SQL.match(text))


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
