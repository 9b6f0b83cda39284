"""How commands that go on are ended: by Ctrl-C and by SIGTERM, both in the same clean way."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def heard_endings() -> Iterator[None]:
    """While this is open, SIGINT and SIGTERM both raise KeyboardInterrupt, or cancel what
    `asyncio.Runner` runs; before and after, signals do what they did. In the main thread only.

    A shell without job control starts what stands before `&` with SIGINT ignored (POSIX, shell
    command language, 2.9.3.1), and Python leaves it so: nothing would end such a process politely.
    """
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, _interrupt),
    }
    try:
        yield
    finally:
        for name, did in before.items():
            signal.signal(name, did)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)
