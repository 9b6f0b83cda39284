"""What an Audience Sync step does to the people who reach it: add them, or remove them."""

from enum import IntEnum


class Action(IntEnum):
    """The two acts on an audience; the numbers stand in the database."""

    ADD = 0
    REMOVE = 1

    @property
    def contrary(self) -> "Action":
        """The other one."""
        return Action.REMOVE if self is Action.ADD else Action.ADD
