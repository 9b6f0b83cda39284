"""A stage for the simulator: a database of this test process, with its connections."""

from collections.abc import Iterator

import pytest

from towpath.cli.simulation.run import Stage, own_stage


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """Where runs are played; each begins by wiping it."""
    with own_stage() as found:
        yield found
