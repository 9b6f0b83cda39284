"""A check that cannot fail is none: every rule is shown a violation, and must see it."""

from pathlib import Path

import pytest
from tests.tidy import documents, imports, style
from tests.tidy.test_house import Rule

TOP = '"""What it is for."""\n'


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("people/x.py", "from towpath.store import waves"),
        ("people/x.py", "def f():\n    import towpath.canvas.graph"),
        ("canvas/x.py", "from towpath.ledger.state import State"),
        ("ledger/x.py", "from towpath import store"),
        ("net/x.py", "from towpath.people.action import Action"),
        ("store/x.py", "from towpath.partners import protocol"),
        ("partners/x.py", "from towpath.store import apps"),
        ("engine/x.py", "from towpath.api import track"),
        ("api/x.py", "from towpath.engine import advance"),
        ("api/x.py", "from towpath.ledger import due"),
        ("engine/x.py", "from towpath.cli import compose"),
        ("sandbox/x.py", "from towpath.errors import InputError"),
        ("clock.py", "from towpath.people.action import Action"),
        ("people/x.py", "from . import action"),
        ("cellar/x.py", ""),
    ],
)
def test_imports(path: str, text: str) -> None:
    assert len(imports.check_imports(path, text)) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("people/x.py", "from towpath.errors import InputError\nfrom towpath.people import action"),
        ("engine/x.py", "from towpath.store import waves\nfrom towpath.partners import registry"),
        ("cli/x.py", "from towpath.sandbox import server\nfrom towpath.engine import advance"),
        ("api/x.py", "from towpath import __version__"),
    ],
)
def test_allowed_imports(path: str, text: str) -> None:
    assert imports.check_imports(path, text) == []


def test_floor() -> None:
    assert len(imports.check_floor("clock.py", "import os\nimport numpy")) == 1
    assert imports.check_floor("people/x.py", "import numpy") == []


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from time import monotonic",
        "import os.path",
        "from pathlib import Path",
        "import psycopg",
        "from urllib.request import urlopen",
        "from datetime import datetime\nmoment = datetime.now()",
        "import datetime\nmoment = datetime.datetime.now(UTC)",
        "import datetime\nday = datetime.date.today()",
        "import random\nn = random.random()",
        "import random\nchance = random.Random()",
        "from random import Random\nchance = Random()",
        "import numpy as np\nn = np.random.default_rng().integers(3)",
        "text = open('x')",
        "print('x')",
    ],
)
def test_purity(text: str) -> None:
    assert len(imports.check_purity("ledger/x.py", text)) >= 1
    assert imports.check_purity("engine/x.py", text) == []


def test_purity_lets_chance_and_time_be_handed_in() -> None:
    text = (
        "import random\nfrom datetime import datetime\n"
        "def f(chance: random.Random, now: datetime) -> float:\n"
        "    return chance.random() + datetime.fromisoformat('2026-01-01').day\n"
    )
    assert imports.check_purity("canvas/x.py", text) == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (style.check_size, "src/towpath/x.py", "\n" * 401),
        (style.check_size, "src/towpath/store/sql/waves.sql", "\n" * 401),
        (style.check_size, "README.md", "\n" * 151),
        (style.check_lines, "src/towpath/x.py", "#" * 101),
        (style.check_lines, "docs/x.md", "a " * 66),
        (style.check_lines, "src/towpath/store/sql/x.sql", "-- | " + "x" * 100),
        (style.check_functions, "x.py", "def f():\n" + "    pass\n" * 60),
        (style.check_functions, "x.py", "class A:\n  async def f(self):\n" + "    pass\n" * 60),
        (style.check_name, "src/towpath/engine/helpers.py", ""),
        (style.check_name, "tests/common/x.py", ""),
        (style.check_top_paragraph, "x.py", "import os\n"),
        (style.check_top_paragraph, "x.sql", "select 1"),
        (style.check_top_paragraph, "dev", "#!/bin/sh\nset -e\n"),
        (style.check_sql_time, "x.sql", "select now()"),
        (style.check_sql_time, "x.sql", "at timestamptz default CURRENT_TIMESTAMP"),
        (style.check_sql_time, "x.sql", "where at < 'now'::timestamptz"),
        (style.check_sql_place, "src/towpath/engine/x.py", 'q = "select a\\nfrom b"'),
        (style.check_sql_place, "src/towpath/engine/x.py", 'q = b"Update wave set x = 1"'),
        (style.check_sql_place, "src/towpath/cli/x.py", 'q = f"delete from {table}"'),
    ],
)
def test_style(rule: Rule, path: str, text: str) -> None:
    assert len(rule(path, text)) == 1


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (style.check_size, "src/towpath/store/sql/schema.sql", "\n" * 500),
        (style.check_lines, "docs/x.md", "| " + "a " * 80 + "|"),
        (style.check_functions, "x.py", "def f():\n" + "    pass\n" * 59),
        (style.check_top_paragraph, "x.py", TOP),
        (style.check_sql_time, style.CLOCK, "select clock_timestamp()"),
        (style.check_sql_time, "x.sql", "select %(now)s -- never now()"),
        (style.check_sql_place, "src/towpath/store/x.py", 'q = "select 1 from b"'),
        (style.check_sql_place, "src/towpath/cli/x.py", 'q = "Select an audience, or none."'),
    ],
)
def test_style_lets_pass(rule: Rule, path: str, text: str) -> None:
    assert rule(path, text) == []


def test_statements(tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "waves.py").write_text('queries("waves")["claim_waves"]')
    (tmp_path / "sql" / "waves.sql").write_text("-- name: claim_waves\nselect 1;\n")
    assert style.check_statements(tmp_path) == []
    (tmp_path / "sql" / "waves.sql").write_text("-- name: claim_waves\n-- name: move_waves\n")
    (tmp_path / "sql" / "orphans.sql").write_text("-- top\n")
    assert style.check_statements(tmp_path) == [
        "sql/orphans.sql: there is no orphans.py",
        "sql/waves.sql: move_waves is not used",
    ]


def test_named_files(tmp_path: Path) -> None:
    (tmp_path / "src" / "towpath" / "engine").mkdir(parents=True)
    (tmp_path / "src" / "towpath" / "engine" / "advance.py").touch()
    text = "`engine/advance.py`, `engine/`, `src/towpath/engine/advance.py`, `tick(now)`\n"
    assert documents.check_named_files(text, tmp_path) == []
    assert len(documents.check_named_files("`engine/gone.py` and `gone/`", tmp_path)) == 2
    assert documents.check_named_files("`engine/gone.py` (planned)", tmp_path) == []


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        ("| S001 | «a» | `tests/test_x.py::test_it` |\n| S002 | «b» | later: the dashboard |", 0),
        ("| S001 | «a» | not applicable because it is a link |", 0),
        ("| S001 | «a» | `tests/test_x.py::test_gone` |", 1),
        ("| S001 | «a» | `tests/test_gone.py::test_it` |", 1),
        ("| S001 | «a» | done |", 1),
        ("| S001 | «a» | later: |", 1),
        ("| S002 | «a» | later: x |", 1),
        ("| S001 |  | later: x |", 1),
        ("nothing", 1),
    ],
)
def test_sentences(tmp_path: Path, rows: str, faults: int) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text("async def test_it(): ...\n")
    assert len(documents.check_sentences(rows, tmp_path)) == faults
