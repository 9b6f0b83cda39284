"""The one seam by which a run plays by smaller bounds than `towpath.limits` says.

Modules take their bounds from `limits` by name when they are imported; here those names are set in
the modules themselves, and set back. Nothing else of Towpath is changed by the simulator.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from towpath.engine import claim, deadlines, intake, settler, webhooks
from towpath.engine.steps import audience_sync
from towpath.store import ledgers, waves

_PLACES = {
    "FOLD_PEOPLE": [ledgers],
    "FOLD_LOG_ROWS": [ledgers],
    "ARRIVAL_PEOPLE_MAX": [audience_sync],
    "WAVE_PEOPLE_MAX": [waves],
    "CLAIM_REQUESTS_MAX": [claim],
    "SETTLE_REQUESTS_MAX": [settler, deadlines],
    "INTAKE_EVENTS_MAX": [intake],
    "WEBHOOK_PEOPLE_PER_CLAIM": [webhooks],
}


@contextmanager
def small(bounds: Mapping[str, int]) -> Iterator[None]:
    """Play by these bounds for the time of the block."""
    before = [(place, name, getattr(place, name)) for name in bounds for place in _PLACES[name]]
    try:
        for place, name, _ in before:
            setattr(place, name, bounds[name])
        yield
    finally:
        for place, name, usual in before:
            setattr(place, name, usual)
