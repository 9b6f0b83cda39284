"""Answers: a late one changes nothing (I-24), and a window is as long as an answer may bite."""

from collections.abc import Iterator

from towpath.cli.simulation.records import Records


def settled_is_settled(records: Records) -> Iterator[str]:
    """I-24: once settled, a request's row says the same for ever, but for its last words."""
    for number, before in records.was_settled.items():
        now = records.requests[number].answer
        # State, answered at, seq, found keyless; window end; not retry at, nor what was said.
        if now[:4] != before[:4] or now[5] != before[5]:
            yield f"request {number} was settled as {before[0]}, and says {now[0]} now"
        if now[4] is not None and now[4] != before[4]:
            yield f"request {number} backs off again"


def windows_are_as_long_as_they_bite(records: Records) -> Iterator[str]:
    """Applied: P from the answer. Unknown: D and P from the lease's end. Refused: none."""
    world = records.world
    windows = world.setting.windows
    for request in records.settled:
        expected = None
        if request.state == "applied":
            expected = request.answer[1] + windows.processing
        elif request.state == "unknown":
            expected = request.lease_until + windows.acceptance + windows.processing
        if request.window_end != expected:
            yield f"request {request.id} ({request.state}): window until {request.window_end}"
        world.hits[f"settled: {request.state}"] += 1
