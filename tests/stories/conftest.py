"""The stage, ready and connected, for stories that need nothing special of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stories.stage import Stage, stage

from towpath.store.database import Db


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """An empty workspace that is connected to TikTok."""
    with stage(db, tmp_path) as found:
        found.connect()
        yield found
