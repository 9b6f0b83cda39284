"""What happens to a Canvas from a draft to its launch: saved, checked, its audiences made, frozen.

The API's routes, the commands and the demo all call these.
"""

import asyncio
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace

from towpath.api.troubles import CONNECT
from towpath.canvas.asked import asked
from towpath.canvas.findings import Finding, Level
from towpath.canvas.graph import Graph, from_data, to_data
from towpath.canvas.steps.audience_sync import AudienceSync, ExistingAudience, NewAudience
from towpath.canvas.surroundings import PartnerView, Surroundings
from towpath.canvas.validate import validate
from towpath.clock import Instant
from towpath.errors import ConflictError, InputError, NotFoundError, PartnerError
from towpath.ids import AppId, AudienceId, CanvasId, PartnerRef, StepId, VersionId, WorkspaceId
from towpath.partners.protocol import Answer, Cause, Door, Listed
from towpath.partners.registry import PARTNERS
from towpath.store import (
    apps,
    audiences,
    canvases,
    connections,
    filter_known,
    named_secrets,
    people_door,
    publishing,
)
from towpath.store.canvases import Canvas
from towpath.store.connections import AdAccount, Connection
from towpath.store.database import Db
from towpath.store.publishing import Published
from towpath.store.secrets import KeyRing

DEADLINE_S = 15.0
CREATE_TRIES = 6
COUNTED = 1_000_000
"""So many profile numbers are counted by one query: a set of at most 128 kB."""
COUNT_SLACK = 10
COMMANDS = {
    "not_connected": f"Run {CONNECT} first.",
    "connection_broken": f"Connect again: {CONNECT}.",
}
"""What to type, for findings that a command mends."""
THROTTLED = (Cause.THROTTLED_APP, Cause.THROTTLED_ACCOUNT)

Seen = Set[tuple[str, str]]
"""Audiences that the partner has, as (ad account, audience), whether we know them or not."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How to reach partners: a door for each app's calls, which keeps its pace (on a connection of
    its own, no transaction open), where they are, and the keys that open tokens."""

    paced: Callable[[Db, AppId], Door]
    base_urls: dict[str, str]
    keys: KeyRing
    webhook_hosts: tuple[str, ...] = ()
    """Hosts and networks inside that webhooks may go to."""


def surroundings(
    db: Db,
    workspace: WorkspaceId,
    now: Instant,
    seen: Seen = frozenset(),
    webhook_hosts: tuple[str, ...] = (),
) -> Surroundings:
    """What findings must know: which partners are connected, and what they hold."""
    views: dict[str, PartnerView | None] = dict.fromkeys(PARTNERS)
    known = audiences.list_all(db, workspace)
    for connection in connections.list_all(db, workspace):
        accounts = connections.list_ad_accounts(db, workspace, connection.id)
        refs = {account.id: account.partner_ref for account in accounts}
        mine = [one for one in known if one.ad_account in refs]
        views[apps.read(db, connection.app).partner] = PartnerView(
            connection.ready,
            frozenset(refs.values()),
            frozenset((refs[one.ad_account], one.partner_ref) for one in mine) | seen,
            frozenset((refs[one.ad_account], one.name) for one in mine),
        )
    secrets = frozenset(named_secrets.names(db, workspace))
    return Surroundings(now, views, secrets=secrets, webhook_hosts=webhook_hosts)


async def findings(
    db: Db, workspace: WorkspaceId, graph: Graph, reach: Reach, now: Instant
) -> list[Finding]:
    """Everything that keeps the graph from launching, and what else deserves a look.

    Asks the partner about audiences that the graph names by id and we do not know yet. Raises
    PartnerError when it does not say.
    """
    seen: set[tuple[str, str]] = set()
    for settings in graph.steps.values():
        if isinstance(settings, AudienceSync) and isinstance(settings.audience, ExistingAudience):
            seen |= await _seen(db, workspace, settings, settings.audience.ref, reach)
    found = validate(graph, surroundings(db, workspace, now, seen, reach.webhook_hosts))
    found += _unknown_names(db, workspace, graph, now)
    return [replace(one, hint=COMMANDS.get(one.code, one.hint)) for one in found]


def _unknown_names(db: Db, workspace: WorkspaceId, graph: Graph, now: Instant) -> Iterator[Finding]:
    """Filters that name a segment, a Canvas or an audience that is not there."""
    for step, field, tree in asked(graph):
        try:
            filter_known.read(db, workspace, tree, now)
        except (InputError, NotFoundError, ConflictError) as error:
            yield Finding(
                "filter_names_unknown", Level.ERROR, step, field, error.message, error.remedy
            )


async def _seen(
    db: Db, workspace: WorkspaceId, settings: AudienceSync, ref: PartnerRef, reach: Reach
) -> set[tuple[str, str]]:
    """The audiences of the step's ad account, if it takes the partner to tell."""
    if settings.ad_account is None or settings.partner not in PARTNERS:
        return set()
    try:
        connection, account = _account(db, workspace, settings.ad_account)
    except NotFoundError:
        return set()  # a finding of its own
    known = audiences.find_by_ref(db, workspace, account.id, ref)
    if known is not None or not connection.ready:
        return set()
    listed = await _list(db, connection, account, settings.partner, reach)
    return {(str(account.partner_ref), str(one.partner_ref)) for one in listed.audiences}


def save(db: Db, workspace: WorkspaceId, graph: Graph, now: Instant) -> tuple[CanvasId, int]:
    """Save the graph as the draft of the Canvas of its name; gives its id and revision, which is
    the one before when nothing differs."""
    found = canvases.find(db, workspace, graph.name)
    if found is None:
        canvas = canvases.create(db, workspace, graph, now)
        return canvas, canvases.read(db, workspace, canvas).revision
    if to_data(found.draft) == to_data(graph):
        return found.id, found.revision
    revision = canvases.save_draft(db, workspace, found.id, graph, revision=found.revision, now=now)
    return found.id, revision


async def make_audiences(
    db: Db, workspace: WorkspaceId, graph: Graph, reach: Reach, now: Instant
) -> dict[StepId, AudienceId]:
    """The audience of each Audience Sync step, created at the partner where it does not exist yet.

    An audience that two steps name is made once. Raises InputError for a step that does not say
    enough, PartnerError when the partner does not create it.
    """
    found: dict[StepId, AudienceId] = {}
    for step, settings in graph.steps.items():
        if isinstance(settings, AudienceSync):
            found[step] = await _audience(db, workspace, step, settings, reach, now)
    return found


async def _audience(
    db: Db,
    workspace: WorkspaceId,
    step: StepId,
    settings: AudienceSync,
    reach: Reach,
    now: Instant,
) -> AudienceId:
    if settings.partner is None or settings.ad_account is None or settings.audience is None:
        raise InputError(
            "partner, ad account and audience must be chosen first.", field=f"steps.{step}"
        )
    connection, account = _account(db, workspace, settings.ad_account)
    wanted = settings.audience
    if isinstance(wanted, NewAudience):
        named = audiences.find_by_name(db, workspace, account.id, wanted.name)
        if named:
            return named[0].id
        return await _create(db, connection, account, settings.partner, wanted.name, reach, now)
    known = audiences.find_by_ref(db, workspace, account.id, wanted.ref)
    if known is not None:
        return known.id
    return await _adopt(db, connection, account, settings.partner, wanted.ref, reach, now)


def _account(db: Db, workspace: WorkspaceId, ref: PartnerRef) -> tuple[Connection, AdAccount]:
    for connection in connections.list_all(db, workspace):
        for account in connections.list_ad_accounts(db, workspace, connection.id):
            if account.partner_ref == ref:
                return connection, account
    raise NotFoundError(
        f"No connection has the ad account {ref}.",
        remedy=f"Name another, or connect with a token that reaches it: {CONNECT}.",
        field="ad_account",
    )


def _door(db: Db, connection: Connection, reach: Reach) -> tuple[Door, str]:
    if connection.token is None:
        raise PartnerError(f"{connection.name} has no token.", remedy=f"Connect again: {CONNECT}.")
    token = connections.open_token(db, reach.keys, connection.workspace, connection.token)
    return reach.paced(db, connection.app), token


async def _create(
    db: Db,
    connection: Connection,
    account: AdAccount,
    partner: str,
    name: str,
    reach: Reach,
    now: Instant,
) -> AudienceId:
    door, token = _door(db, connection, reach)
    for attempt in range(CREATE_TRIES):
        created = await PARTNERS[partner].create_audience(
            door,
            reach.base_urls[partner],
            token,
            ad_account_ref=account.partner_ref,
            name=name,
            deadline_s=DEADLINE_S,
        )
        # TikTok makes one audience a second for an ad account.
        if created.answer.cause not in THROTTLED or attempt + 1 == CREATE_TRIES:
            break
        await asyncio.sleep(created.answer.pause_s or 1.0)
    if created.audience is None:
        raise PartnerError(
            f"{partner} did not create the audience {name!r}: {in_words(created.answer)}.",
            remedy=_remedy(created.answer, "Apply the Canvas again; it is created once."),
        )
    _check_same(db, connection, account, created.audience.partner_ref, name)
    return audiences.ensure(
        db,
        connection.workspace,
        account.id,
        created.audience.partner_ref,
        name,
        created_here=not created.existed,
        now=now,
    )


def _check_same(
    db: Db, connection: Connection, account: AdAccount, ref: PartnerRef, name: str
) -> None:
    """A partner never gives an id twice: under another name it would bring another's ledger along,
    and people who stand there as added would never be sent."""
    known = audiences.find_by_ref(db, connection.workspace, account.id, ref)
    if known is None or known.name == name:
        return
    raise PartnerError(
        f"The new audience {name!r} got the id {ref}, which we know as {known.name!r} already.",
        remedy="That happens when a sandbox was started again: it forgets its audiences and gives"
        " the same ids. Start it with another --seed and connect again, or use a fresh data_dir. If"
        f' the audience was renamed at the partner, write {{id: "{ref}"}}.',
        field="audience",
    )


def in_words(answer: Answer) -> str:
    """The partner's own words, with its code where it gave one."""
    text = answer.message.rstrip(".") or f"no reason was given ({answer.cause})"
    return text if answer.code is None else f"{text} (code {answer.code})"


def _remedy(answer: Answer, otherwise: str) -> str:
    if answer.cause is Cause.CONNECTION:
        return f"The token is refused: connect again, {CONNECT}."
    if answer.cause is Cause.NETWORK:
        return f"Is TOWPATH_TIKTOK_BASE_URL right, and can it be reached? {otherwise}"
    return otherwise


async def _adopt(
    db: Db,
    connection: Connection,
    account: AdAccount,
    partner: str,
    ref: PartnerRef,
    reach: Reach,
    now: Instant,
) -> AudienceId:
    """An audience that others made: it may hold anybody."""
    listed = await _list(db, connection, account, partner, reach)
    for one in listed.audiences:
        if one.partner_ref == ref:
            return audiences.ensure(
                db, connection.workspace, account.id, ref, one.name, created_here=False, now=now
            )
    raise NotFoundError(
        f"The ad account has no audience {ref} that can be filled.",
        remedy="Only audiences made for streaming can take a sync; create one in the step.",
        field="audience.id",
    )


async def _list(
    db: Db, connection: Connection, account: AdAccount, partner: str, reach: Reach
) -> Listed:
    door, token = _door(db, connection, reach)
    listed = await PARTNERS[partner].list_audiences(
        door,
        reach.base_urls[partner],
        token,
        ad_account_ref=account.partner_ref,
        deadline_s=DEADLINE_S,
    )
    if not listed.answer.applied:
        raise PartnerError(
            f"{partner} did not list its audiences: {in_words(listed.answer)}.",
            remedy=_remedy(listed.answer, "Try again."),
        )
    return listed


async def launch(
    db: Db, workspace: WorkspaceId, canvas: Canvas, reach: Reach, now: Instant
) -> tuple[VersionId | None, list[Finding]]:
    """Check the draft and launch it. With a finding in the way, nothing is launched."""
    before = await findings(db, workspace, canvas.draft, reach, now)
    if any(finding.level is Level.ERROR for finding in before):
        return None, before
    made = await make_audiences(db, workspace, canvas.draft, reach, now)
    version = canvases.launch(
        db,
        workspace,
        canvas.id,
        revision=canvas.revision,
        audiences=made,
        now=now,
    )
    return version, before


async def publish(
    db: Db,
    workspace: WorkspaceId,
    canvas: Canvas,
    redirects: publishing.Redirects,
    reach: Reach,
    now: Instant,
) -> tuple[Published | None, list[Finding]]:
    """Check the draft of a Canvas that runs and publish it. With a finding in the way, nothing is
    published."""
    before = await findings(db, workspace, canvas.draft, reach, now)
    if any(finding.level is Level.ERROR for finding in before):
        return None, before
    made = await make_audiences(db, workspace, canvas.draft, reach, now)
    published = publishing.publish(
        db,
        workspace,
        canvas.id,
        revision=canvas.revision,
        audiences=made,
        redirects=redirects,
        now=now,
    )
    return published, before


def count(db: Db, workspace: WorkspaceId, graph: Graph, now: Instant) -> int:
    """How many people match the entry's filter now: whom a launch means."""
    highest = people_door.highest_number(db, workspace)
    return sum(
        len(people_door.matching(db, workspace, graph.entry.filter, low, low + COUNTED, now))
        for low in range(0, highest + 1, COUNTED)
    )


def check_count(db: Db, workspace: WorkspaceId, graph: Graph, shown: int, now: Instant) -> None:
    """Raise ConflictError when the launch means many more or fewer people than were shown: people
    come and go meanwhile, so a tenth, or COUNT_SLACK people, is let pass."""
    people = count(db, workspace, graph, now)
    if abs(people - shown) <= max(COUNT_SLACK, shown // 10):
        return
    raise ConflictError(
        f"The launch means {people:,} people now; {shown:,} were acknowledged.",
        remedy=f"Look at it again, and acknowledge {people}.",
        field="people",
    )


def renamed(graph: Graph, name: str) -> Graph:
    """The graph under another name, its audiences as they were written."""
    return from_data(to_data(graph) | {"canvas": name})
