"""The import table of ARCHITECTURE.md, and what the pure rooms keep away from, read from syntax.

A rule takes a file's path inside `src/towpath` and its text, and returns its violations as lines.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

FLOOR = frozenset({"clock", "ids", "limits", "errors", "settings", "telemetry"})
FLOOR_LIBRARIES = frozenset({"pydantic", "pydantic_settings", "dotenv"})
MAY_IMPORT: dict[str, frozenset[str]] = {
    "floor": frozenset(),
    "people": frozenset({"floor"}),
    "canvas": frozenset({"floor", "people"}),
    "ledger": frozenset({"floor", "people"}),
    "net": frozenset({"floor"}),
    "store": frozenset({"floor", "people", "canvas", "ledger"}),
    "partners": frozenset({"floor", "people", "net"}),
    "engine": frozenset({"floor", "people", "canvas", "ledger", "net", "store", "partners"}),
    "api": frozenset({"floor", "people", "canvas", "store", "partners"}),
    "sandbox": frozenset(),
}
EVERYTHING = "cli"

PURE_ROOMS = frozenset({"people", "canvas", "ledger"})
PURE_FILES = frozenset({"partners/tiktok/payload.py", "partners/tiktok/replies.py"})
# fmt: off
IMPURE_MODULES = frozenset({
    "aiohttp", "asyncio", "fcntl", "ftplib", "http", "logging", "multiprocessing", "os", "pathlib",
    "psycopg", "requests", "secrets", "shutil", "signal", "smtplib", "socket", "sqlite3", "ssl",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid", "uvloop",
})
# fmt: on
IMPURE_CALLS = frozenset(
    {"open", "input", "print"}
    | {f"{kind}.{call}" for kind in ("datetime", "date") for call in ("now", "utcnow", "today")}
)


def room_of(path: str) -> str:
    """The room of a file under src/towpath; `floor` for the files of the floor."""
    parts = PurePosixPath(path).parts
    return parts[0] if len(parts) > 1 else "floor"


def check_imports(path: str, text: str) -> list[str]:
    """A room imports only what the table says."""
    room = room_of(path)
    if room == EVERYTHING or path == "__init__.py":
        return []
    if room not in MAY_IMPORT:
        return [f"{path}: {room} is no room of the table"]
    found = []
    for line, module in imported(ast.parse(text)):
        top, _, rest = module.partition(".")
        if top == "":
            found.append(f"{path}:{line}: a relative import hides where it goes")
        elif top == "towpath":
            target = _target(rest)
            if target != room and target not in MAY_IMPORT[room]:
                found.append(f"{path}:{line}: {room} may not import {target} ({module})")
    return found


def check_floor(path: str, text: str) -> list[str]:
    """The floor stands on the standard library and pydantic-settings (with its own parts) only."""
    if room_of(path) != "floor":
        return []
    allowed = sys.stdlib_module_names | FLOOR_LIBRARIES | {"towpath"}
    return [
        f"{path}:{line}: the floor may not import {module}"
        for line, module in imported(ast.parse(text))
        if module.partition(".")[0] not in allowed
    ]


def check_purity(path: str, text: str) -> list[str]:
    """The pure rooms do no I/O, ask no time and roll no dice of their own."""
    if room_of(path) not in PURE_ROOMS and path not in PURE_FILES:
        return []
    tree = ast.parse(text)
    found = [
        f"{path}:{line}: a pure room may not import {module}"
        for line, module in imported(tree)
        if any(module == each or module.startswith(f"{each}.") for each in IMPURE_MODULES)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if _is_impure(called):
                found.append(f"{path}:{node.lineno}: a pure room may not call {called}()")
    return found


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every module that is imported anywhere in the file, with its line; "" for a relative one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "" if node.level else node.module or ""
            yield from (
                (node.lineno, f"{module}.{each.name}" if module else "") for each in node.names
            )


def _target(rest: str) -> str:
    first = rest.partition(".")[0]
    return "floor" if first in FLOOR or first.startswith("__") else first


def _is_impure(called: str) -> bool:
    tail = ".".join(called.split(".")[-2:])
    dice = called.startswith("random.") or called in {"Random", "SystemRandom", "default_rng"}
    return called in IMPURE_CALLS or tail in IMPURE_CALLS or dice or ".random." in f".{called}"
