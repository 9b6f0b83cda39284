"""What every partner offers, and the words in which its answers are told.

The engine knows partners only through this file. An answer has a *kind*, which the ledger counts
by, and a *cause*, which says what has to rest and what a person can do about it.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from towpath.clock import Instant, seconds
from towpath.ids import PartnerRef
from towpath.net.door import Door as Door  # noqa: PLC0414 - rooms that may not see net get it here
from towpath.people.action import Action
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import MatchField

REPEATED_WITHIN_S = 60
REPEATED_PAUSE_S = 300.0


class AnswerKind(StrEnum):
    """What the ledger may believe. Unknown: it may have been applied, or still be."""

    APPLIED = "applied"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Scope(StrEnum):
    """What a cause stops: this request only, or all of its ad account, connection or app."""

    REQUEST = "request"
    AD_ACCOUNT = "ad account"
    CONNECTION = "connection"
    APP = "app"


class Cause(StrEnum):
    """Why an answer is as it is; the values stand in the database."""

    NONE = "none"  # applied; or refused by ourselves, before anything was sent
    THROTTLED_APP = "throttled app"
    THROTTLED_ACCOUNT = "throttled ad account"
    MAINTENANCE = "maintenance"
    CONNECTION = "connection"  # the token is dead, or the app is
    PERMISSION = "permission"  # role, scope or allowlist
    AD_ACCOUNT = "ad account"  # closed, deleted, not reachable
    AUDIENCE = "audience"  # gone, or not editable now
    BUSY = "busy"  # it takes the next request when it is done with the one before
    ROWS = "rows"  # something in the request is not accepted
    SIZE = "size"  # too many at once
    PARTIAL = "partial"  # a part was applied, nobody knows which
    OURS = "ours"  # wrong address or version: the same for every request
    NETWORK = "network"
    SERVER = "server"
    CONTRACT = "contract"  # not an answer as the partner documents it

    @property
    def scope(self) -> Scope:
        """What has to rest."""
        return _SCOPES.get(self, Scope.REQUEST)

    @property
    def costs_try(self) -> bool:
        """Only what lies in the request itself counts as a try of it; a resting scope does not."""
        return self.scope is Scope.REQUEST and self is not Cause.BUSY

    @property
    def may_be_halved(self) -> bool:
        """Would the same request in two parts possibly do better?"""
        return self in (Cause.ROWS, Cause.SIZE, Cause.PARTIAL)

    @property
    def alerts(self) -> bool:
        """Must a person look? Waiting alone does not heal these."""
        return self in _ALERTS


_SCOPES = {
    Cause.THROTTLED_APP: Scope.APP,
    Cause.THROTTLED_ACCOUNT: Scope.AD_ACCOUNT,
    Cause.MAINTENANCE: Scope.APP,
    Cause.CONNECTION: Scope.CONNECTION,
    # A lost role or a closed account must not stop the other accounts of the connection.
    Cause.PERMISSION: Scope.AD_ACCOUNT,
    Cause.AD_ACCOUNT: Scope.AD_ACCOUNT,
    Cause.OURS: Scope.APP,
}
_ALERTS = frozenset(
    {Cause.CONNECTION, Cause.PERMISSION, Cause.AD_ACCOUNT, Cause.AUDIENCE, Cause.OURS}
    | {Cause.ROWS, Cause.CONTRACT}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a partner said. `message` is its own, capped, without anything that names a person.

    `pause_s`: the cause's scope rests at least that many seconds; None: no pause.
    """

    kind: AnswerKind
    cause: Cause
    code: int | None = None
    message: str = ""
    partner_request_ref: str = ""
    pause_s: float | None = None
    made: PartnerRef | None = None
    """The audience, if it was not made before this request."""

    @property
    def applied(self) -> bool:
        """Did the partner acknowledge it?"""
        return self.kind is AnswerKind.APPLIED


NOTHING_TO_SEND = Answer(
    AnswerKind.REFUSED, Cause.NONE, message="Nobody in the request has a match key any more."
)


@dataclass(frozen=True, slots=True)
class Order:
    """What a request asks for, but for the people. `audience_ref` is None where the request is to
    make the audience, by the name of `name`; `whole`: whoever it does not carry is to leave."""

    action: Action
    fields: tuple[MatchField, ...]
    ad_account_ref: PartnerRef
    audience_ref: PartnerRef | None
    name: str = ""
    whole: bool = False


Bodies = AsyncIterator[bytes]
"""The bodies of a request, one after the other: each is built when the one before it has left."""


async def ready(*bodies: bytes) -> Bodies:
    """Bodies that are built already."""
    for body in bodies:
        yield body


@dataclass(frozen=True, slots=True)
class PartnerAudience:
    """An audience at the partner. `people`: matched there, None: not said. `kind` is the partner's
    word; `fits`: that kind takes a sync; `owned`: by the ad account, not shared with it.
    """

    partner_ref: PartnerRef
    name: str
    people: int | None = None
    ready: bool = False
    kind: str = ""
    fits: bool = True
    owned: bool = True
    shared: bool = False
    expires_at: Instant | None = None
    expiring: bool = False


class LookalikeSize(StrEnum):
    """How alike people must be: the narrower, the more alike."""

    NARROW = "narrow"
    BALANCED = "balanced"
    BROAD = "broad"


class MobileSystem(StrEnum):
    """Whose phones count."""

    ALL = "all"
    ANDROID = "android"
    IOS = "ios"


class Placement(StrEnum):
    """Where the partner shows ads."""

    TIKTOK = "tiktok"
    TOPBUZZ = "topbuzz"
    PANGLE = "pangle"


@dataclass(frozen=True, slots=True)
class Lookalike:
    """People who are like those of `source`; `locations` are the partner's ids of places."""

    name: str
    source: PartnerRef
    locations: tuple[str, ...]
    size: LookalikeSize = LookalikeSize.BALANCED
    system: MobileSystem = MobileSystem.ALL
    placements: tuple[Placement, ...] = (Placement.TIKTOK,)
    include_source: bool = False


@dataclass(frozen=True, slots=True)
class Created:
    """`audience` is None unless one exists for sure. `existed`: it was there before, so it may hold
    anybody; the caller decides whether that is welcome. `asked`: the call that makes it left."""

    answer: Answer
    audience: PartnerAudience | None = None
    existed: bool = False
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """What was found; complete only if the answer is *applied*. `audiences` can be filled, `others`
    not. `skipped`: entries without an id or a name, which cannot be used."""

    answer: Answer
    audiences: tuple[PartnerAudience, ...] = ()
    skipped: int = 0
    others: tuple[PartnerAudience, ...] = ()

    @property
    def owned(self) -> int:
        """How many the ad account owns, of every kind: partners bound them."""
        return sum(one.owned for one in (*self.audiences, *self.others))


@dataclass(frozen=True, slots=True)
class Authorised:
    """An admin confirmed; `token` is empty unless the answer is *applied*. `granted`: the numbers
    of the permissions that it carries."""

    answer: Answer
    token: str = field(default="", repr=False)
    granted: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AdAccountsListed:
    """The ad accounts that a token reaches, as (id, name); complete only if *applied*."""

    answer: Answer
    ad_accounts: tuple[tuple[PartnerRef, str], ...] = ()


class Partner(Protocol):
    """A partner. Methods that take a door make one request per `door` call and hold no state: hand
    in a door that takes a permit for each call. They never raise for what the partner does."""

    name: str
    audiences_max: int
    """So many audiences an ad account may own."""
    people_per_body: int
    """So many people fit into one body."""
    calls_after_body: int
    """So many calls may follow, at most, when a body has been read: they must fit into the lease.
    """

    def body(self, order: Order, groups: Sequence[KeyGroup]) -> bytes:
        """A body that carries these people. Pure."""
        ...

    async def send(
        self, door: Door, base_url: str, token: str, order: Order, bodies: Bodies, deadline_s: float
    ) -> Answer:
        """Send what `body` built. `deadline_s` is for each call; without a body nothing is sent."""
        ...

    async def create_audience(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        name: str,
        deadline_s: float,
    ) -> Created:
        """Make an audience of that name, once, even if an answer is lost."""
        ...

    async def list_audiences(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        deadline_s: float,
    ) -> Listed:
        """The audiences of the ad account, those that can be filled apart."""
        ...

    async def create_lookalike(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        wanted: Lookalike,
        deadline_s: float,
    ) -> Created:
        """Make a lookalike audience of that name, once, even if an answer is lost."""
        ...

    async def may_stream(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        deadline_s: float,
    ) -> bool | None:
        """May the app send people within seconds? None: it cannot be told now."""
        ...

    async def delete_audience(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        audience_ref: PartnerRef,
        deadline_s: float,
    ) -> Answer:
        """Delete an audience that can be filled. One that is gone already counts as deleted."""
        ...

    def audience_page(self, ad_account_ref: PartnerRef) -> str:
        """The address at which a person sees the ad account's audiences at the partner."""
        ...

    def consent_url(self, base_url: str, app_ref: str, state: str, redirect_uri: str) -> str:
        """The partner's page on which an admin lets Towpath act for their ad accounts."""
        ...

    async def exchange(
        self,
        door: Door,
        base_url: str,
        app_ref: str,
        app_secret: str,
        *,
        auth_code: str,
        deadline_s: float,
    ) -> Authorised:
        """What the consent page gave, for a token. Works once."""
        ...

    async def list_ad_accounts(
        self,
        door: Door,
        base_url: str,
        app_ref: str,
        app_secret: str,
        *,
        token: str,
        deadline_s: float,
    ) -> AdAccountsListed:
        """The ad accounts that the token reaches."""
        ...

    async def probe(self, door: Door, base_url: str, token: str, deadline_s: float) -> Answer:
        """Does the token live? One cheap request."""
        ...


def longer_pause(answer: Answer, started_at: Instant, paused_until: Instant | None) -> float | None:
    """How many seconds the scope rests: the answer's own pause, or five minutes when the request
    began within a minute after the scope's last pause (`paused_until`) had ended.

    Requests that were in flight together when the limit was hit began before that pause ended, so
    they do not lengthen it. TikTok: wait 5 minutes after the limit a minute was passed
    (tiktok-api, section 7); its answer does not say which limit it was.
    """
    throttled = answer.cause in (Cause.THROTTLED_APP, Cause.THROTTLED_ACCOUNT)
    if answer.pause_s is None or not throttled or paused_until is None:
        return answer.pause_s
    if paused_until <= started_at < paused_until + seconds(REPEATED_WITHIN_S):
        return max(answer.pause_s, REPEATED_PAUSE_S)
    return answer.pause_s
