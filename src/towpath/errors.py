"""The error tree.

TowpathError             what happened, and what to do now
├── InputError           somebody's input is wrong: field or line named, nothing stored
├── NotFoundError        no such thing in this workspace
├── ConflictError        true a moment ago, not any more; read again
├── SettingsError        the operator's settings cannot work
├── StoreError           PostgreSQL is missing, too old or damaged
└── PartnerError         the partner said no, or said nothing
"""


class TowpathError(Exception):
    """Something that a person can act on: `message` says what happened, `remedy` what to do now."""

    def __init__(self, message: str, *, remedy: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.field = field

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}{self.message}" + (f" {self.remedy}" if self.remedy else "")


class InputError(TowpathError):
    """Somebody's input is wrong; `field` names where. Nothing was stored."""


class NotFoundError(TowpathError):
    """There is no such thing in this workspace."""


class ConflictError(TowpathError):
    """What was true when you read it is not true any more."""


class SettingsError(TowpathError):
    """A setting is missing or cannot work; `field` names it."""


class StoreError(TowpathError):
    """PostgreSQL is missing, too old, or holds what it should not."""


class PartnerError(TowpathError):
    """The partner refused, or did not answer."""
