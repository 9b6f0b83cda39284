"""Erasing: an erasure whose people are out of every audience for certain is confirmed."""

from dataclasses import dataclass

from towpath.clock import Instant
from towpath.store import erasures
from towpath.store.database import Db


@dataclass(slots=True)
class Erasing:
    """The service that ends erasures; any number of workers may run one."""

    db: Db

    def tick(self, now: Instant) -> bool:
        """Confirm one that is ready; says whether there may be more."""
        return erasures.confirm_next(self.db, now)
