"""What stands at this TikTok: the app, its tokens, ad accounts and audiences, all from one seed.

Nothing here checks a rate or spoils an answer; it is the state that endpoints read and change.
"""

import random
from dataclasses import dataclass, field

from towpath.sandbox.envelope import RefusalError
from towpath.sandbox.membership import Membership
from towpath.sandbox.rules import Rules
from towpath.sandbox.timeline import Timeline

SCOPES = (1, 3)
"""Ad Account Management and Audience Management; a first-level scope grants its children."""

_PARENTS = {100: {100, 10, 1}, 30: {30, 3}, 31: {31, 3}}
_ACCOUNTS = (("River Shop", "A"), ("River Shop Outlet", "A"), ("Lantern Books", "B"))


@dataclass(slots=True)
class Advertiser:
    """An ad account. `role` is false once the connected user lost the role in it."""

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


@dataclass(slots=True)
class Audience:
    """An audience. `planted_size` is the size of one that no mapping fills."""

    audience_id: str
    advertiser_id: str
    name: str
    created_at: float
    changed_at: float
    kind: str = "Partner"
    planted_size: int = 0


@dataclass
class World:
    """The whole state. `rules` may be replaced at any time."""

    seed: int
    rules: Rules
    started_at: float
    allowlisted: bool = True
    app_id: str = ""
    secret: str = ""
    token: str = ""
    advertisers: dict[str, Advertiser] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    auth_codes: dict[str, AuthCode] = field(default_factory=dict)
    audiences: dict[str, Audience] = field(default_factory=dict)
    membership: Membership = field(default_factory=Membership)
    timeline: Timeline = field(default_factory=Timeline)

    def __post_init__(self) -> None:
        # A stream a purpose: drawing one thing more often must not change the others.
        self.ids = random.Random(f"{self.seed} ids")
        self.delays = random.Random(f"{self.seed} delays")
        self.app_id, self.secret = self.new_id(), self.new_token()
        businesses = {letter: self.new_id() for letter in "AB"}
        for name, letter in _ACCOUNTS:
            account = Advertiser(self.new_id(), name, businesses[letter], self.started_at)
            self.advertisers[account.advertiser_id] = account
        self.token = self.issue(list(self.advertisers), SCOPES).token

    def new_id(self) -> str:
        """A number of 19 digits, above 2^53 as TikTok's are."""
        return str(self.ids.randrange(7_000_000_000_000_000_000, 7_999_999_999_999_999_999))

    def new_token(self) -> str:
        """40 hexadecimal digits."""
        return f"{self.ids.getrandbits(160):040x}"

    def issue(self, advertisers: list[str], scopes: tuple[int, ...]) -> Grant:
        """A new token. Older ones live on (our choice; TikTok does not say)."""
        grant = Grant(self.new_token(), advertisers, scopes)
        self.grants[grant.token] = grant
        return grant

    def new_auth_code(self, advertisers: list[str], scopes: tuple[int, ...], now: float) -> str:
        """What the consent page would hand to the redirect address."""
        code = self.new_token()
        self.auth_codes[code] = AuthCode(advertisers, scopes, now)
        return code

    def spread(self, limit_s: float) -> float:
        """A delay from [0, limit]; a fifth of them lie exactly at its end, where mistakes hide."""
        return min(self.delays.random() * 1.25, 1.0) * limit_s

    def advertiser(self, grant: Grant, advertiser_id: str) -> Advertiser:
        """The ad account, if the token may work in it. Raises RefusalError 40300 or 40001."""
        account = self.advertisers.get(advertiser_id)
        if account is None or not account.enabled:
            raise RefusalError(
                40300, f"Advertiser {advertiser_id} doesn't exist or has been deleted."
            )
        if advertiser_id not in grant.advertisers:
            raise RefusalError(40001, f"No access to operation advertiser {advertiser_id}")
        if not account.role:
            raise RefusalError(
                40001,
                "Insufficient advertiser permission: Please ask the BC admin with resource "
                f"permission to grant access to the advertisers (adv_id:{advertiser_id}).",
            )
        return account

    def audience(self, audience_id: str) -> Audience:
        """The audience. Raises RefusalError 40007."""
        if audience_id not in self.audiences:
            raise RefusalError(40007, f"Audience {audience_id} does not exist.")
        return self.audiences[audience_id]

    def new_audience(
        self, advertiser_id: str, name: str, now: float, kind: str = "Partner"
    ) -> Audience:
        """A new audience, not yet in the world: whoever accepts it puts it in."""
        return Audience(self.new_id(), advertiser_id, name, now, now, kind)

    def drop_audience(self, audience_id: str) -> None:
        """Delete the audience and its members."""
        self.audiences.pop(audience_id, None)
        self.membership.drop(audience_id)

    def size(self, audience: Audience) -> int:
        """Matched users (`cover_num`): a share of the largest kind of identifier (our choice)."""
        counts = self.membership.counts(audience.audience_id)
        most = max(counts.values(), default=0)
        return audience.planted_size or int(most * self.rules.match_rate)
