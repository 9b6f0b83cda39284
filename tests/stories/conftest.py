"""The stage, ready and connected, for stories that need nothing special of it; and terminals."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stories.stage import Stage, stage
from tests.stories.terminals import Terminals, terminals_in

from towpath.store.database import Db


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """An empty workspace that is connected to TikTok."""
    with stage(db, tmp_path) as found:
        found.connect()
        yield found


@pytest.fixture
def terminals(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Terminals]:
    """Terminals in a folder of the test's own."""
    with terminals_in(open_folder / request.node.name) as found:
        yield found
