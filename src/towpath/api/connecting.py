"""Connecting: a token is proved and kept, by the consent page or by hand, and cut again.

The API's routes and the commands call these. HTTP happens with no transaction open: the state of a
consent page is spent first, then the code is exchanged, then everything is kept in one transaction.
"""

from contextlib import suppress
from dataclasses import dataclass, field

from towpath.api.launching import DEADLINE_S, Reach, in_words
from towpath.api.our_app import OurApp
from towpath.clock import Instant
from towpath.errors import ConflictError, PartnerError
from towpath.ids import AppId, ConnectionId, PartnerRef, WorkspaceId
from towpath.limits import AD_ACCOUNTS_MAX
from towpath.partners.protocol import AdAccountsListed, Answer, AnswerKind, Authorised, Cause
from towpath.partners.registry import CONSENTS, PARTNERS
from towpath.store import ad_accounts, apps, audit_trail, connections, ledgers, permits
from towpath.store.connections import Connection
from towpath.store.database import DatabaseHitch, Db, database_now

TIKTOK = "tiktok"
NAME = "TikTok"
OTHER = "other"
OTHER_PER_S_MAX = 10
"""Calls a second of every endpoint but the streaming one: TikTok's Basic level."""
AUTHORISATIONS_PAGE = "https://ads.tiktok.com/ac/page/authorizations"
"""Where a person removes an authorisation at TikTok (tiktok-api, 3.2)."""


@dataclass(frozen=True, slots=True)
class Connected:
    """What came of it. `replaced`: there was a token before. `lost`: ad accounts connected before
    that this token does not reach; what is sent for them waits. `lacking`: permissions that were
    not granted, without which steps cannot work. `unlisted`: why the ad accounts are not known."""

    connection: str
    replaced: bool
    ad_accounts: dict[PartnerRef, str]
    lost: dict[PartnerRef, str]
    id: ConnectionId
    lacking: tuple[str, ...] = ()
    unlisted: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token that a person gave, with what it grants (None: not said) and whose it is."""

    text: str = field(repr=False)
    granted: tuple[int, ...] | None = None
    person: str = ""


def ours(reach: Reach) -> OurApp:
    """The operator's app. Raises ConflictError that says which settings to make."""
    if reach.ours is None:
        raise ConflictError(
            "It is not said as which app Towpath speaks to TikTok.",
            remedy="Set TOWPATH_TIKTOK_APP_ID and TOWPATH_TIKTOK_APP_SECRET_FILE.",
            field="tiktok_app_id",
        )
    return reach.ours


def ensure_app(db: Db, app: OurApp, now: Instant) -> AppId:
    """The app with its permits, at the pace of the settings."""
    found = apps.ensure(db, TIKTOK, app.app_ref, app.requests_per_second)
    permits.ensure(db, found, "streaming", app.requests_per_second, now)
    permits.ensure(db, found, "other", min(app.requests_per_second, OTHER_PER_S_MAX), now)
    return found


async def exchange(db: Db, reach: Reach, auth_code: str) -> Token:
    """The code of the consent page for a token, once. Raises PartnerError that says what to do."""
    app = ours(reach)
    door = reach.paced(db, ensure_app(db, app, database_now(db)))
    url = reach.base_urls[TIKTOK]
    done: Authorised = await PARTNERS[TIKTOK].exchange(
        door, url, app.app_ref, app.secret, auth_code=auth_code, deadline_s=DEADLINE_S
    )
    if not done.answer.applied:
        raise _not_exchanged(done.answer)
    person = await CONSENTS[TIKTOK].person(door, url, done.token, DEADLINE_S)
    return Token(done.token, done.granted, person)


def _not_exchanged(answer: Answer) -> PartnerError:
    said = in_words(answer)
    if answer.code == 40110:
        return PartnerError(
            f"The code was used before, or its hour is over: {said}.", remedy="Connect again."
        )
    if answer.code in {40101, 40113}:
        return PartnerError(
            f"TikTok does not know our app, its secret or the code: {said}.",
            remedy="Whoever runs Towpath checks TOWPATH_TIKTOK_APP_ID and its secret; if they are"
            " right, connect again.",
        )
    if answer.kind is AnswerKind.UNKNOWN:
        return PartnerError(
            f"TikTok did not say whether it took the code: {said}.",
            remedy="Connect again. If TikTok made a token, nobody has it; it can be removed on "
            f"{AUTHORISATIONS_PAGE}.",
        )
    return PartnerError(f"TikTok did not take the code: {said}.", remedy="Connect again.")


async def keep(
    db: Db,
    workspace: WorkspaceId,
    reach: Reach,
    token: Token,
    *,
    name: str = NAME,
    actor: str,
    choose_new: bool,
) -> Connected:
    """Keep a token sealed as the connection of that name, with the ad accounts that it reaches.

    A connection that is there stays the same one: its ad accounts are matched by the partner's
    ids, so steps and whoever waits stay as they were. A token that was exchanged is kept though
    its ad accounts cannot be listed now; a dead one is not: raises PartnerError, and everything
    is as before. If keeping fails the token is revoked, as far as TikTok can be reached.
    """
    app = ours(reach)
    app_id = ensure_app(db, app, database_now(db))
    door, url = reach.paced(db, app_id), reach.base_urls[TIKTOK]
    listed: AdAccountsListed = await PARTNERS[TIKTOK].list_ad_accounts(
        door, url, app.app_ref, app.secret, token=token.text, deadline_s=DEADLINE_S
    )
    exchanged = token.granted is not None
    if not listed.answer.applied and (not exchanged or listed.answer.cause is Cause.CONNECTION):
        raise _refused(listed.answer)
    try:
        with db.transaction():
            done = _keep(db, workspace, reach, app_id, token, listed, name, actor, choose_new)
    except BaseException:
        if exchanged:
            with suppress(DatabaseHitch):  # without permits nobody is called: the caller tells it
                await CONSENTS[TIKTOK].revoke(
                    door, url, app.app_ref, app.secret, token.text, DEADLINE_S
                )
        raise
    await look_at_accounts(db, workspace, done.id, reach)
    return done


def _keep(
    db: Db,
    workspace: WorkspaceId,
    reach: Reach,
    app_id: AppId,
    token: Token,
    listed: AdAccountsListed,
    name: str,
    actor: str,
    choose_new: bool,
) -> Connected:
    now, app = database_now(db), ours(reach)
    connection = connections.ensure(
        db,
        workspace,
        app_id,
        name,
        people_per_request_max=app.people_per_request_max,
        keys_per_request_max=app.keys_per_request_max,
    )
    before = connections.read(db, workspace, connection)
    connections.set_token(db, reach.keys, workspace, connection, token.text, now)
    granted = None if token.granted is None else list(token.granted)
    connections.note_connected(db, connection, granted, token.person, actor, now)
    reached = dict(listed.ad_accounts[:AD_ACCOUNTS_MAX])
    if listed.answer.applied:
        ad_accounts.note_listed(db, workspace, connection, reached, choose_new=choose_new)
    ledgers.wake_connection(db, connection, now)
    kept = connections.list_ad_accounts(db, workspace, connection)
    lost = {one.partner_ref: one.name for one in kept if not one.reached}
    lacking = () if token.granted is None else CONSENTS[TIKTOK].lacking(token.granted)
    told: dict[str, object] = {
        "connection": name,
        "app": app.app_ref,
        "person": token.person,
        "granted": granted,
    }
    told |= {"ad_accounts": len(reached), "lost": sorted(lost), "lacking": lacking}
    action = "connection.reconnected" if before.token else "connection.connected"
    audit_trail.append(db, workspace, actor, action, f"connection {connection}", told, now)
    unlisted = None if listed.answer.applied else in_words(listed.answer)
    replaced = before.token is not None
    return Connected(name, replaced, reached, lost, connection, lacking, unlisted)


def _refused(answer: Answer) -> PartnerError:
    remedy = "Try again."
    if answer.cause is Cause.CONNECTION:
        remedy = "Check the token, TOWPATH_TIKTOK_APP_ID and TOWPATH_TIKTOK_APP_SECRET."
    elif answer.cause is Cause.PERMISSION:
        remedy = "The token was granted too little: authorise the app for ad accounts again."
    elif answer.cause in (Cause.OURS, Cause.NETWORK):
        remedy = "Check TOWPATH_TIKTOK_BASE_URL, and whether it can be reached."
    return PartnerError(
        f"TikTok did not say what the token reaches: {in_words(answer)}.", remedy=remedy
    )


async def refresh(
    db: Db, workspace: WorkspaceId, connection: ConnectionId, reach: Reach
) -> Connection:
    """Ask the partner anew which ad accounts the token reaches, and how they stand. New ones are
    not chosen. Raises NotFoundError, ConflictError when disconnected, PartnerError."""
    found, app = connections.read(db, workspace, connection), ours(reach)
    listed: AdAccountsListed = await PARTNERS[TIKTOK].list_ad_accounts(
        reach.paced(db, found.app),
        reach.base_urls[TIKTOK],
        app.app_ref,
        app.secret,
        token=_token(db, reach, found),
        deadline_s=DEADLINE_S,
    )
    if not listed.answer.applied:
        raise _refused(listed.answer)
    reached = dict(listed.ad_accounts[:AD_ACCOUNTS_MAX])
    ad_accounts.note_listed(db, workspace, connection, reached, choose_new=False)
    await look_at_accounts(db, workspace, connection, reach)
    return connections.read(db, workspace, connection)


async def look_at_accounts(
    db: Db, workspace: WorkspaceId, connection: ConnectionId, reach: Reach
) -> bool:
    """Ask how the chosen ad accounts stand, and whether the person may work in them. False: the
    partner did not say; what was known before stays."""
    found = connections.read(db, workspace, connection)
    chosen = connections.chosen_ad_accounts(db, workspace, connection)
    refs = [one.partner_ref for one in chosen]
    if not refs:
        return True
    told = await CONSENTS[TIKTOK].describe(
        reach.paced(db, found.app),
        reach.base_urls[TIKTOK],
        _token(db, reach, found),
        ad_accounts=refs,
        deadline_s=DEADLINE_S,
    )
    facts = [(f.partner_ref, f.status, f.business_ref, f.denied) for f in told.ad_accounts]
    ad_accounts.note_facts(db, connection, facts, database_now(db))
    return told.answer.applied


def _token(db: Db, reach: Reach, found: Connection) -> str:
    if found.token is None:
        raise ConflictError(f"{found.name} is disconnected.", remedy="Connect it again.")
    return connections.open_token(db, reach.keys, found.workspace, found.token)


def choose(
    db: Db,
    workspace: WorkspaceId,
    connection: ConnectionId,
    wanted: list[PartnerRef],
    *,
    actor: str,
    now: Instant,
) -> None:
    """Use these ad accounts and no others. Errors as in `ad_accounts.choose`."""
    with db.transaction():
        added, taken = ad_accounts.choose(db, workspace, connection, wanted, now)
        if added or taken:
            told = {"added": added, "taken_out": taken}
            place = f"connection {connection}"
            audit_trail.append(
                db, workspace, actor, "connection.ad_accounts_chosen", place, told, now
            )


def accept_terms(
    db: Db, workspace: WorkspaceId, connection: ConnectionId, *, actor: str, now: Instant
) -> Connection:
    """Record who accepts the partner's terms and policies, and when; the first time counts."""
    with db.transaction():
        connections.read(db, workspace, connection)
        if connections.accept_terms(db, workspace, connection, actor, now):
            place = f"connection {connection}"
            audit_trail.append(db, workspace, actor, "terms.accepted", place, {}, now)
    return connections.read(db, workspace, connection)
