"""The world around a Canvas, gathered for its findings: connections, ad accounts, audiences, rules.

The partner is asked for an ad account's audiences when our copy of its list is old, or lacks one
that the Canvas names. What it answers is itself a finding: a token that is dead is known here
before the first person is sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from towpath.api import audience_making
from towpath.api.reach import Place, Reach, hindrance, in_words, place_named, standing
from towpath.api.segments import draw
from towpath.canvas.graph import Graph
from towpath.canvas.steps.audience_sync import AudienceSync, ExistingAudience
from towpath.canvas.surroundings import AudienceView, PartnerView, Surroundings
from towpath.clock import Instant, seconds
from towpath.errors import ConflictError, InputError, NotFoundError, PartnerError
from towpath.ids import PartnerRef, StepId, WorkspaceId
from towpath.limits import AUDIENCES_FRESH_S, AUDIENCES_LISTED_MAX
from towpath.partners.protocol import Cause
from towpath.partners.registry import PARTNERS
from towpath.people.action import Action
from towpath.people.estimates import estimate
from towpath.people.people_set import people, union
from towpath.store import (
    apps,
    audience_listings,
    audiences,
    connections,
    match_keys,
    named_secrets,
    people_door,
    segment_sizes,
    workspaces,
)
from towpath.store.connections import AdAccount, Connection
from towpath.store.database import Db, int4_array

REFUSED = {
    Cause.CONNECTION: ("The token is refused", "Connect again."),
    Cause.PERMISSION: (
        "The partner denies the permission for it",
        "Ask the admin of the Business Center whether you may manage this ad account.",
    ),
    Cause.AD_ACCOUNT: ("The partner has it no more", "Choose another ad account."),
}
"""What an ad account's refusal means before a launch, and what to do."""


async def surroundings(
    db: Db, workspace: WorkspaceId, graph: Graph, reach: Reach, now: Instant
) -> Surroundings:
    """What findings must know. Raises PartnerError when the graph names an audience that we do not
    know and the partner does not tell."""
    refused = {}
    for ref, wanted in _asked(graph).items():
        told = await _look(db, workspace, ref, wanted, reach, now)
        if told is not None:
            refused[str(ref)] = told
    views: dict[str, _Gathered | None] = dict.fromkeys(PARTNERS)
    known = audiences.list_all(db, workspace)
    for connection in connections.list_all(db, workspace):
        partner = apps.read(db, connection.app).partner
        view = views[partner] = views[partner] or _Gathered()
        for account in connections.chosen_ad_accounts(db, workspace, connection.id):
            mine = [one for one in known if one.ad_account == account.id]
            view.add(db, connection, account, mine, now)
        view.ready = view.ready or connection.ready
    return Surroundings(
        now,
        {
            name: None if view is None else view.done(db, name, refused)
            for name, view in views.items()
        },
        secrets=frozenset(named_secrets.names(db, workspace)),
        webhook_hosts=reach.webhook_hosts,
        fields_allowed=workspaces.read(db, workspace).fields_allowed,
        people_expected=_expected(db, workspace, graph, now),
    )


@dataclass(slots=True)
class _Gathered:
    """A partner's view, connection by connection."""

    ready: bool = False
    accounts: dict[str, tuple[Connection, AdAccount]] = field(default_factory=dict)
    refs: set[tuple[str, str]] = field(default_factory=set)
    listed: dict[tuple[str, str], AudienceView] = field(default_factory=dict)
    owned: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        db: Db,
        connection: Connection,
        account: AdAccount,
        known: list[audiences.Audience],
        now: Instant,
    ) -> None:
        ref = str(account.partner_ref)
        other = self.accounts.setdefault(ref, (connection, account))
        if standing(db, connection, account) > standing(db, *other):
            self.accounts[ref] = connection, account
        asked_at = audience_listings.refreshed_at(db, account.id)
        for one in known:
            gone = one.made and asked_at is not None and asked_at > one.created_at
            why = "The partner has it no more: it was deleted there." if gone else ""
            self.listed[ref, str(one.partner_ref)] = AudienceView(one.name, why)
        for line in audience_listings.page(
            db, account.workspace, account.id, limit=AUDIENCES_LISTED_MAX
        ):
            expires = line.expires_at if line.expires_soon(now) else None
            view = AudienceView(line.name, line.unusable(now), expires, line.people or 0)
            self.listed[ref, str(line.partner_ref)] = view
        self.owned[ref] = audience_listings.owned(db, account.workspace, account.id)

    def done(self, db: Db, partner: str, refused: dict[str, tuple[str, str]]) -> PartnerView:
        """The view. Of two connections to an ad account the one that works better counts."""
        hindered = {ref: _hindrance(db, *best) for ref, best in self.accounts.items()}
        names = {(ref, view.name) for (ref, _), view in self.listed.items() if not view.unusable}
        return PartnerView(
            self.ready,
            frozenset(self.accounts),
            frozenset(self.listed),
            frozenset(names),
            refused=refused | {ref: why for ref, why in hindered.items() if why},
            listed=self.listed,
            owned=self.owned,
            audiences_max=PARTNERS[partner].audiences_max,
            by_files=frozenset(
                ref for ref, (connection, _) in self.accounts.items() if connection.by_files
            ),
            unaccepted=frozenset(
                ref
                for ref, (connection, _) in self.accounts.items()
                if connection.terms_accepted_at is None
            ),
        )


def _hindrance(db: Db, connection: Connection, account: AdAccount) -> tuple[str, str] | None:
    if not connection.ready:
        return "Its connection is broken.", "Connect again."
    return hindrance(db, connection, account)


def _asked(graph: Graph) -> dict[PartnerRef, set[PartnerRef]]:
    """By ad account: the audiences that the graph names by id."""
    found: dict[PartnerRef, set[PartnerRef]] = {}
    for step in graph.steps.values():
        if isinstance(step, AudienceSync) and step.ad_account and step.partner in PARTNERS:
            wanted = found.setdefault(step.ad_account, set())
            if isinstance(step.audience, ExistingAudience):
                wanted.add(step.audience.ref)
    return found


async def _look(
    db: Db,
    workspace: WorkspaceId,
    ref: PartnerRef,
    wanted: set[PartnerRef],
    reach: Reach,
    now: Instant,
) -> tuple[str, str] | None:
    """Bring our copy of the list up to date where it takes that; the refusal, if it was one."""
    try:
        place = place_named(db, workspace, ref)
    except NotFoundError:
        return None  # a finding of its own
    if not place.connection.ready:
        return None
    unknown = wanted - set(_known(db, place))
    asked_at = audience_listings.refreshed_at(db, place.account.id)
    if not unknown and asked_at is not None and now < asked_at + seconds(AUDIENCES_FRESH_S):
        return None
    listed = await audience_making.look(db, place, reach, now)
    if listed.answer.applied:
        return None
    if listed.answer.cause in REFUSED:
        what, remedy = REFUSED[listed.answer.cause]
        return f"{what}: {in_words(listed.answer)}.", remedy
    if unknown:
        raise PartnerError(
            f"{place.partner} did not list its audiences: {in_words(listed.answer)}.",
            remedy="Try again.",
        )
    return None


def _known(db: Db, place: Place) -> Iterator[PartnerRef]:
    for one in audiences.list_all(db, place.workspace):
        if one.ad_account == place.account.id:
            yield one.partner_ref
    account = place.account.id
    for line in audience_listings.page(db, place.workspace, account, limit=AUDIENCES_LISTED_MAX):
        yield line.partner_ref


def _expected(db: Db, workspace: WorkspaceId, graph: Graph, now: Instant) -> dict[StepId, int]:
    """By step that adds: how many people of the entry have a key for it, about, at most. Only where
    people enter by time: how many will do something, nobody knows."""
    adding = {
        step: settings
        for step, settings in graph.steps.items()
        if isinstance(settings, AudienceSync) and settings.action is Action.ADD and settings.fields
    }
    if not adding or graph.entry.at is None:
        return {}
    try:
        question = people_door.question(db, workspace, graph.entry.filter, now)
    except (InputError, NotFoundError, ConflictError):
        return {}  # a finding of its own
    of = segment_sizes.drawable(db, workspace)
    drawn = people(draw(of, Random(of)))
    matching = question.matching_of(drawn) if drawn else people()
    present = match_keys.key_presence(db, int4_array(matching)) if matching else {}
    return {
        step: estimate(
            len(union(present.get(one, people()) for one in settings.fields)), len(drawn), of
        ).people
        for step, settings in adding.items()
    }
