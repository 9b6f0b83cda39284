"""What can be wrong with a connection, an ad account or an audience, each told apart. Pure.

The store keeps the cause of an answer and TikTok's code (`permission (40118)`); here they get a
name, the sentence that people read, and what they can do.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from towpath.partners.protocol import Cause


class Problem(StrEnum):
    """Every problem that is told of; the values stand in the database and in webhooks."""

    TOKEN_DEAD = "token_dead"  # noqa: S105
    APP_REFUSED = "app_refused"
    NO_TOKEN = "no_token"  # noqa: S105
    DISCONNECTED = "disconnected"
    ROLE_LOST = "role_lost"
    NOT_ALLOWLISTED = "not_allowlisted"
    PERMISSION_DENIED = "permission_denied"
    AD_ACCOUNT_CLOSED = "ad_account_closed"
    AUDIENCE_DELETED = "audience_deleted"
    AUDIENCE_EXPIRED = "audience_expired"
    AUDIENCE_NOT_STREAMING = "audience_not_streaming"
    AUDIENCE_NOT_EDITABLE = "audience_not_editable"
    AUDIENCE_STUCK = "audience_stuck"
    WRONG_ADDRESS = "wrong_address"
    THROTTLED = "throttled"
    MAINTENANCE = "maintenance"
    OTHER = "other"

    @property
    def alerts(self) -> bool:
        """Must a person act? Not where it heals by itself, or somebody of ours wanted it so."""
        return self not in _QUIET


_QUIET = frozenset({Problem.DISCONNECTED, Problem.THROTTLED, Problem.MAINTENANCE, Problem.OTHER})
_CODES = {  # TikTok's page of return codes (D 1737172488964097)
    40001: Problem.ROLE_LOST,
    40113: Problem.APP_REFUSED,
    40118: Problem.NOT_ALLOWLISTED,
    40300: Problem.AD_ACCOUNT_CLOSED,
    40301: Problem.AD_ACCOUNT_CLOSED,
    40007: Problem.AUDIENCE_DELETED,
}
_CAUSES: dict[str, Problem] = {
    Cause.CONNECTION: Problem.TOKEN_DEAD,
    "no token": Problem.NO_TOKEN,
    "disconnected": Problem.DISCONNECTED,
    Cause.PERMISSION: Problem.PERMISSION_DENIED,
    "not reached": Problem.ROLE_LOST,
    "role": Problem.ROLE_LOST,
    Cause.AD_ACCOUNT: Problem.AD_ACCOUNT_CLOSED,
    Cause.AUDIENCE: Problem.AUDIENCE_NOT_EDITABLE,
    "stuck": Problem.AUDIENCE_STUCK,
    "expired": Problem.AUDIENCE_EXPIRED,
    "not streaming": Problem.AUDIENCE_NOT_STREAMING,
    Cause.OURS: Problem.WRONG_ADDRESS,
    Cause.THROTTLED_APP: Problem.THROTTLED,
    Cause.THROTTLED_ACCOUNT: Problem.THROTTLED,
    Cause.MAINTENANCE: Problem.MAINTENANCE,
}
_REASON = re.compile(r"(.*?)(?: \((\d+)\))?")
_CONNECT = (
    "Connect again: `towpath connect tiktok`. The admin of the TikTok Business Center can do it."
)
_BY_ITSELF = "It is tried again by itself."


@dataclass(frozen=True, slots=True)
class Told:
    """A problem in words. Both are whole sentences."""

    message: str
    remedy: str


TOLD: dict[Problem, Told] = {
    Problem.TOKEN_DEAD: Told(
        "TikTok refuses the connection's token: the authorisation was removed, or the token is"
        " dead.",
        _CONNECT,
    ),
    Problem.APP_REFUSED: Told(
        "TikTok refuses the app: it is blocked, or the token belongs to another one.",
        "Check the app at TikTok for Business and TOWPATH_TIKTOK_APP_ID, then connect again.",
    ),
    Problem.NO_TOKEN: Told("The connection has no token.", _CONNECT),
    Problem.DISCONNECTED: Told("The connection was disconnected.", _CONNECT),
    Problem.ROLE_LOST: Told(
        "The person who connected lost the role in this ad account.",
        "Ask the admin of the TikTok Business Center for the role of admin or operator in it.",
    ),
    Problem.NOT_ALLOWLISTED: Told(
        "TikTok has not put the app or this advertiser on the allowlist of its Streaming API.",
        "Ask your TikTok representative for it; audiences that are made meanwhile are filled by"
        " Customer Files (`towpath transport list`).",
    ),
    Problem.PERMISSION_DENIED: Told(
        "TikTok denies a permission in this ad account.",
        "Connect again and grant every permission that is asked for.",
    ),
    Problem.AD_ACCOUNT_CLOSED: Told(
        "The ad account is closed, disabled or deleted at TikTok.",
        "Open it again in TikTok's Business Center, or sync to another ad account.",
    ),
    Problem.AUDIENCE_DELETED: Told(
        "The audience was deleted at TikTok.",
        "Stop what syncs to it, and name another audience.",
    ),
    Problem.AUDIENCE_EXPIRED: Told(
        "The audience expired at TikTok: it was not used in an ad for 365 days.",
        "Name another audience, or let TikTok make one anew.",
    ),
    Problem.AUDIENCE_NOT_STREAMING: Told(
        "The audience is of a kind that takes no sync.",
        "Name an audience that was made here: `towpath audience create`.",
    ),
    Problem.AUDIENCE_NOT_EDITABLE: Told(
        "TikTok does not let the audience be edited.",
        "It may be busy, expired, or of another kind: `towpath audience list` tells.",
    ),
    Problem.AUDIENCE_STUCK: Told(
        "TikTok has taken no file for the audience for two days: it matched fewer than 1,000 people"
        " in it, or it expired. Such an audience never takes another.",
        "Name another audience in your Canvases, for more people; delete this one in Ads Manager.",
    ),
    Problem.WRONG_ADDRESS: Told(
        "TikTok does not know the address that was asked.", "Check TOWPATH_TIKTOK_BASE_URL."
    ),
    Problem.THROTTLED: Told("TikTok asked to wait: too many requests.", _BY_ITSELF),
    Problem.MAINTENANCE: Told("TikTok is under maintenance.", _BY_ITSELF),
    Problem.OTHER: Told("TikTok asked to wait.", _BY_ITSELF),
}


def read(reason: str, code: int | None = None) -> tuple[Problem, int | None]:
    """The problem behind a reason as the store keeps it, `cause (code)` or a cause alone, and
    TikTok's code. A code that has a meaning of its own says more than the cause."""
    found = _REASON.fullmatch(reason)
    cause, number = found.groups() if found else (reason, None)
    code = int(number) if number else code
    if code in _CODES and cause not in {"disconnected", "no token"}:
        return _CODES[code], code
    return _CAUSES.get(cause, Problem.OTHER), code
