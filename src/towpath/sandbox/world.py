"""The whole of this TikTok: apps, people, ad accounts, audiences and members, all from one seed.

Nothing here checks a rate or spoils an answer; it is the state that endpoints read and change.
"""

import random
from dataclasses import dataclass, field

from towpath.sandbox.effects import Effect
from towpath.sandbox.envelope import RefusalError
from towpath.sandbox.membership import Membership
from towpath.sandbox.records import (
    PARTNER,
    SCOPES,
    AdGroup,
    Advertiser,
    App,
    Application,
    Audience,
    AuthCode,
    Grant,
    Person,
    Share,
    UploadedFile,
)
from towpath.sandbox.rules import DAY_S, Rules
from towpath.sandbox.timeline import Timeline

__all__ = ["SCOPES", "World"]

_ACCOUNTS = (("River Shop", "A"), ("River Shop Outlet", "A"), ("Lantern Books", "B"))
_BUSINESSES = {"A": "River Group", "B": "Lantern House"}
_AD_GROUPS = ("Everybody", "New customers", "Came back", "Big baskets")


@dataclass
class World:
    """The whole state. `rules` may be replaced at any time."""

    seed: int
    rules: Rules
    started_at: float
    app_id: str = ""
    secret: str = ""
    token: str = ""
    apps: dict[str, App] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    businesses: dict[str, str] = field(default_factory=dict)
    advertisers: dict[str, Advertiser] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    auth_codes: dict[str, AuthCode] = field(default_factory=dict)
    audiences: dict[str, Audience] = field(default_factory=dict)
    membership: Membership = field(default_factory=Membership)
    files: dict[str, UploadedFile] = field(default_factory=dict)
    adgroups: dict[str, AdGroup] = field(default_factory=dict)
    applications: list[Application] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    timeline: Timeline[Effect] = field(default_factory=Timeline)

    def __post_init__(self) -> None:
        # A stream a purpose: drawing one thing more often must not change the others.
        self.ids = random.Random(f"{self.seed} ids")
        self.more = random.Random(f"{self.seed} more")
        self.delays = random.Random(f"{self.seed} delays")
        self.app_id, self.secret = self.new_id(), self.new_token()
        self.apps[self.app_id] = App(self.app_id, self.secret, "Towpath")
        businesses = {letter: self.new_id() for letter in "AB"}
        self.businesses = {businesses[letter]: name for letter, name in _BUSINESSES.items()}
        for name, letter in _ACCOUNTS:
            self.add_advertiser(self.new_id(), name, businesses[letter], self.started_at)
        self._add_people()
        self.add_app("Second app")
        self.token = self.issue(list(self.advertisers), SCOPES).token

    def _add_people(self) -> None:
        tess = Person(
            self.app_id[::-1].replace("0", "1"),
            "Tess Towpath",
            "t***@example.com",
        )
        for each in self.advertisers:
            tess.roles[each] = "ADMIN"
        first, second, _ = self.advertisers
        ola = Person(self._other_id(), "Ola Outlet", "o***@example.com")
        ola.roles[first], ola.roles[second] = "OPERATOR", "ANALYST"
        self.people = {each.person_id: each for each in (tess, ola)}

    def add_app(self, name: str, redirects: list[str] | None = None) -> App:
        """Register an app."""
        app = App(self._other_id(), f"{self.more.getrandbits(160):040x}", name, redirects or [])
        self.apps[app.app_id] = app
        return app

    def add_advertiser(
        self, advertiser_id: str, name: str, business_id: str, now: float
    ) -> Advertiser:
        """A new ad account with its ad groups; whoever has a role in the business' others gets
        none here before `people` says so."""
        account = Advertiser(advertiser_id, name, business_id, now)
        self.advertisers[advertiser_id] = account
        for each in _AD_GROUPS:
            group = AdGroup(self._other_id(), advertiser_id, each)
            self.adgroups[group.adgroup_id] = group
        return account

    def give_advertiser(self, name: str, business_id: str, now: float) -> Advertiser:
        """A new ad account for the first person: every token of theirs reaches it without a new
        authorisation (documented, doc 1766041812130817)."""
        account = self.add_advertiser(self._other_id(), name, business_id, now)
        tess = next(iter(self.people.values()))
        tess.roles[account.advertiser_id] = "ADMIN"
        for grant in self.grants.values():
            if grant.person_id == tess.person_id:
                grant.advertisers.append(account.advertiser_id)
        return account

    def _other_id(self) -> str:
        return str(self.more.randrange(7_000_000_000_000_000_000, 7_999_999_999_999_999_999))

    @property
    def allowlisted(self) -> bool:
        """Is the first app on the Streaming allowlist?"""
        return self.apps[self.app_id].allowlisted

    @allowlisted.setter
    def allowlisted(self, on: bool) -> None:
        self.apps[self.app_id].allowlisted = on

    def new_id(self) -> str:
        """A number of 19 digits, above 2^53 as TikTok's are."""
        return str(self.ids.randrange(7_000_000_000_000_000_000, 7_999_999_999_999_999_999))

    def new_token(self) -> str:
        """40 hexadecimal digits."""
        return f"{self.ids.getrandbits(160):040x}"

    def issue(
        self,
        advertisers: list[str],
        scopes: tuple[int, ...],
        app_id: str = "",
        person_id: str = "",
    ) -> Grant:
        """A new token, of the first app and person if none is named. Older ones live on (our
        choice; TikTok does not say)."""
        app_id, person_id = app_id or self.app_id, person_id or next(iter(self.people))
        grant = Grant(self.new_token(), advertisers, scopes, True, app_id, person_id)
        self.grants[grant.token] = grant
        return grant

    def new_auth_code(
        self,
        advertisers: list[str],
        scopes: tuple[int, ...],
        now: float,
        app_id: str = "",
        person_id: str = "",
    ) -> str:
        """What the consent page hands to the redirect address."""
        code = self.new_token()
        self.auth_codes[code] = AuthCode(
            advertisers, scopes, now, app_id=app_id or self.app_id, person_id=person_id
        )
        return code

    def reach(self, now: float) -> None:
        """Let everything land that is due at `now`."""
        while (due := self.timeline.due(now)) is not None:
            at, effect = due
            effect.land(self, at)

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

    def editor(self, grant: Grant, advertiser_id: str) -> Advertiser:
        """The ad account, if the token may change things in it: its person is no analyst there.
        Raises RefusalError 40300 or 40001."""
        account = self.advertiser(grant, advertiser_id)
        person = self.people.get(grant.person_id)
        if person is not None and person.roles.get(advertiser_id) == "ANALYST":
            raise RefusalError(
                40001,
                f"You don't have permission to operate advertiser {advertiser_id}. "
                "You must be an admin or operator of this advertiser account.",
            )
        return account

    def audience(self, audience_id: str) -> Audience:
        """The audience. Raises RefusalError 40007."""
        if audience_id not in self.audiences:
            raise RefusalError(40007, f"Audience {audience_id} does not exist.")
        return self.audiences[audience_id]

    def new_audience(
        self, advertiser_id: str, name: str, now: float, kind: str = PARTNER
    ) -> Audience:
        """A new audience, not yet in the world: whoever accepts it puts it in."""
        return Audience(self.new_id(), advertiser_id, name, now, now, kind)

    def drop_audience(self, audience_id: str) -> None:
        """Delete the audience and its members."""
        self.audiences.pop(audience_id, None)
        self.membership.drop(audience_id)
        for group in self.adgroups.values():
            group.uses.pop(audience_id, None)

    def size(self, audience: Audience) -> int:
        """Matched users (`cover_num`): a share of the largest kind of identifier (our choice)."""
        if audience.planted_size:
            return audience.planted_size
        counts = self.membership.counts(audience.audience_id)
        return int(max(counts.values(), default=0) * self.rules.match_rate)

    def matched(self, fields: dict[str, set[bytes]]) -> int:
        """The matched users of an audience that held this."""
        return int(max(map(len, fields.values()), default=0) * self.rules.match_rate)

    def expires_at(self, audience: Audience) -> float:
        """365 days after the last change, or so many days after its creation as it was given."""
        if audience.retention_days is not None:
            return audience.created_at + audience.retention_days * DAY_S
        return audience.changed_at + self.rules.audience_life_s
