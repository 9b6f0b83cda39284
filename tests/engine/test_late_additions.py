"""Who was removed and is erased then: the addition before may still take effect (I-55)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.test_changed_keys import held, mails
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage, stage

from towpath.store import erasures
from towpath.store.database import Db


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """An empty workspace that is connected to TikTok; TikTok takes up to five minutes."""
    with stage(db, tmp_path, processing_s=300, acceptance_s=5) as found:
        found.connect()
        yield found


def test_an_erasure_waits_for_what_may_still_come_in(told: Stage) -> None:
    mails(told, ana="ana")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    told.launch(canvas("Out", remove=sync(action="remove")))
    told.wait(seconds=20)
    receipt = erasures.erase(told.db, told.workspace, ["ana"], "test", told.now).id
    told.wait(seconds=20)
    assert erasures.read(told.db, told.workspace, receipt).confirmed_at is None
    told.wait(minutes=60)
    assert erasures.read(told.db, told.workspace, receipt).state == "confirmed"
    assert not held(told)
