"""What stands at this TikTok: apps, people, ad accounts, grants, audiences, files, ad groups.

Plain data, so that it can be kept on disk. Times are epoch seconds, ids are texts.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

SCOPES = (1, 3)
"""Ad Account Management and Audience Management; a first-level scope grants its children."""

_PARENTS = {100: {100, 10, 1}, 30: {30, 3}, 31: {31, 3}, 32: {32, 3}}

Role: TypeAlias = Literal["ADMIN", "OPERATOR", "ANALYST"]

PARTNER = "Partner"
CUSTOMER_FILE = "Customer File Audience"
LOOKALIKE = "Lookalike Audience"
WEBSITE = "Website Audience"
ENGAGEMENT = "Engagement Audience"


@dataclass(slots=True)
class App:
    """A developer's app. `redirects` are the addresses that consent may go back to, at most 10
    (documented); an app without any lets every one pass. `asks` are the scopes it asks for."""

    app_id: str
    secret: str
    name: str
    redirects: list[str] = field(default_factory=list)
    asks: tuple[int, ...] = SCOPES
    allowlisted: bool = True


@dataclass(slots=True)
class Person:
    """Somebody who can sign in, with the role that they have in each ad account."""

    person_id: str
    name: str
    email: str
    roles: dict[str, Role] = field(default_factory=dict)


@dataclass(slots=True)
class Advertiser:
    """An ad account. `role` is false once everybody lost the role in it."""

    advertiser_id: str
    name: str
    business_id: str
    created_at: float
    enabled: bool = True
    role: bool = True


@dataclass(slots=True)
class Grant:
    """What one token may do. TikTok's advertiser tokens have no expiry (documented)."""

    token: str
    advertisers: list[str]
    scopes: tuple[int, ...] = SCOPES
    alive: bool = True
    app_id: str = ""
    person_id: str = ""

    def allows(self, scope: int) -> bool:
        """Does the token carry the scope, or a parent of it? Scope 0 is free for all."""
        return not scope or not _PARENTS[scope].isdisjoint(self.scopes)


@dataclass(slots=True)
class AuthCode:
    """A single-use code from the consent page."""

    advertisers: list[str]
    scopes: tuple[int, ...]
    issued_at: float
    used: bool = False
    app_id: str = ""
    person_id: str = ""


@dataclass(slots=True)
class Event:
    """A line of an audience's history."""

    action: str
    at: float
    msg: str | None = None
    detail: str = "0"


@dataclass(slots=True)
class Audience:
    """An audience. `planted_size` is the size of one that neither mappings nor files fill;
    `busy_until` is when the update that now runs ends; `updates` are those with files."""

    audience_id: str
    advertiser_id: str
    name: str
    created_at: float
    changed_at: float
    kind: str = PARTNER
    planted_size: int = 0
    calculate_type: str = "MULTIPLE_TYPES"
    sub_type: str = "NORMAL"
    retention_days: int | None = None
    busy_until: float = 0.0
    error_msg: str | None = None
    shared_with: list[str] = field(default_factory=list)
    lookalike: dict[str, object] | None = None
    updates: list[tuple[float, str]] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class UploadedFile:
    """A file that came in: its digests end to end, by field."""

    path: str
    advertiser_id: str
    calculate_type: str
    uploaded_at: float
    lines: int
    parts: dict[str, bytes]


@dataclass(slots=True)
class AdGroup:
    """An ad group; `uses` says of each audience applied whether it is included or excluded."""

    adgroup_id: str
    advertiser_id: str
    name: str
    uses: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Application:
    """A line of the log of audiences applied to ad groups, or disconnected from them."""

    audience_id: str
    adgroup_id: str
    at: float
    usage_mode: str


@dataclass(slots=True)
class Share:
    """A line of the log of audiences shared, or no longer."""

    audience_id: str
    advertiser_id: str
    shared_advertiser_id: str
    action: str
    at: float
