"""A sandbox whose clock stands still until a test moves it."""

import pytest

from towpath.sandbox import Rules, Sandbox, SettableClock
from towpath.sandbox.caller import Caller

START = 1_790_000_000.0


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(lambda: START)


@pytest.fixture
def caller(clock: SettableClock) -> Caller:
    return Caller(Sandbox(7, clock, Rules(processing_s=5, acceptance_s=5)))
