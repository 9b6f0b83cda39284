"""What the commands' tests may ask for: an office."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.office import Office, office


@pytest.fixture
def desk(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Office]:
    """An office on a fresh database; nothing is connected yet."""
    with office(database_url, tmp_path, monkeypatch, capsys) as found:
        yield found
