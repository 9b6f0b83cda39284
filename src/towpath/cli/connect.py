"""`towpath connect tiktok`: connect to TikTok with a token that the operator has already.

The token comes from the settings (TOWPATH_TIKTOK_TOKEN, or a file), from standard input, or from a
prompt that does not show it; it is never an argument, which others could read in the list of
processes. Run again, with another token, the connection is the same and whoever waits goes on.
"""

import asyncio
import sys
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated

import typer

from towpath.api.launching import DEADLINE_S, Reach, in_words
from towpath.cli import compose, opening, output
from towpath.clock import Instant
from towpath.engine.paced_door import OTHER, PacedDoor
from towpath.errors import InputError, PartnerError, SettingsError
from towpath.ids import AppId, PartnerRef, WorkspaceId
from towpath.net.door import HttpDoor
from towpath.partners.protocol import AdAccountsListed, Answer, Cause
from towpath.partners.registry import PARTNERS
from towpath.partners.tiktok.limits import TOKEN_CHARS_MAX
from towpath.settings import Settings
from towpath.store import apps, connections, ledgers, permits
from towpath.store.database import Db, database_now
from towpath.store.secrets import KeyRing

TIKTOK = "tiktok"
NAME = "TikTok"
OTHER_PER_S_MAX = 10
"""Calls a second of every endpoint but the streaming one: TikTok's Basic level."""

app = typer.Typer(no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Connected:
    """What came of it. `replaced`: there was a token before. `lost`: ad accounts connected before
    that this token does not reach; what is sent for them waits."""

    connection: str
    replaced: bool
    ad_accounts: dict[PartnerRef, str]
    lost: dict[PartnerRef, str]


@app.callback()
def _group() -> None:
    """Connect to a partner with a token that you have."""


@app.command("tiktok")
def tiktok_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Connect to TikTok, or give the connection another token. Shows the ad accounts it reaches."""
    settings = compose.read_settings()
    token = read_token(settings)
    with opening.opened(settings) as url, compose.connect(url) as db:
        keys = compose.key_ring(settings)
        workspace = opening.workspace_of(db, settings.workspace).id
        connected = asyncio.run(_connect(settings, db, workspace, keys, token))
    if as_json:
        output.show_json(asdict(connected))
        return
    output.show_table(("Ad account", "Name"), connected.ad_accounts.items(), title=NAME)
    if not connected.ad_accounts:
        output.say("The token reaches no ad account: ask the Business Center's admin for one.")
    for ref, name in connected.lost.items():
        output.say(f"The token no longer reaches {ref} ({name}); what is sent for it waits.")
    output.say("TikTok has another token now." if connected.replaced else "TikTok is connected.")


async def _connect(
    settings: Settings, db: Db, workspace: WorkspaceId, keys: KeyRing, token: str
) -> Connected:
    async with HttpDoor() as door:
        reach = Reach(partial(PacedDoor, door), {TIKTOK: settings.tiktok_base_url}, keys)
        return await connect(db, workspace, settings, reach, token)


def read_token(settings: Settings) -> str:
    """The token: of the settings, else a line of standard input, else typed unseen.

    Raises InputError for one that cannot be a header; no error ever holds it.
    """
    if settings.tiktok_token is not None:
        text = settings.tiktok_token.get_secret_value()
    elif sys.stdin.isatty():
        text = typer.prompt("Access token", hide_input=True, err=True)
    else:
        text = sys.stdin.readline(TOKEN_CHARS_MAX + 2)
    token = text.strip()
    if not 0 < len(token) <= TOKEN_CHARS_MAX:
        fault = "There is no token." if not token else "This is too long to be a token."
    elif not token.isascii() or not token.isprintable() or " " in token:
        fault = "A token is one word of plain letters, digits and signs; this is none."
    else:
        return token
    remedy = "Set TOWPATH_TIKTOK_TOKEN_FILE, or type it when asked."
    raise InputError(fault, remedy=remedy, field="token")


async def connect(
    db: Db, workspace: WorkspaceId, settings: Settings, reach: Reach, token: str
) -> Connected:
    """Prove the token by reading its ad accounts, then keep it sealed, with them.

    Raises SettingsError without an app, PartnerError when TikTok refuses; then the connection that
    was there before is as it was.
    """
    app_ref, app_secret = settings.tiktok_app_id, settings.tiktok_app_secret
    if app_ref is None or app_secret is None:
        raise SettingsError(
            "It is not said as which app Towpath speaks to TikTok.",
            remedy="Set TOWPATH_TIKTOK_APP_ID and TOWPATH_TIKTOK_APP_SECRET_FILE.",
            field="tiktok_app_id",
        )
    app_id = _ensure_app(db, app_ref, settings.requests_per_second, database_now(db))
    listed = await PARTNERS[TIKTOK].list_ad_accounts(
        reach.paced(db, app_id),
        reach.base_urls[TIKTOK],
        app_ref,
        app_secret.get_secret_value(),
        token=token,
        deadline_s=DEADLINE_S,
    )
    if not listed.answer.applied:
        raise _refused(listed.answer)
    with db.transaction():
        return _keep(db, workspace, settings, reach.keys, app_id, token, listed)


def _ensure_app(db: Db, app_ref: str, requests_per_second: int, now: Instant) -> AppId:
    found = apps.ensure(db, TIKTOK, app_ref, requests_per_second)
    permits.ensure(db, found, "streaming", requests_per_second, now)
    permits.ensure(db, found, OTHER, min(requests_per_second, OTHER_PER_S_MAX), now)
    return found


def _keep(
    db: Db,
    workspace: WorkspaceId,
    settings: Settings,
    keys: KeyRing,
    app_id: AppId,
    token: str,
    listed: AdAccountsListed,
) -> Connected:
    now = database_now(db)
    connection = connections.ensure(
        db,
        workspace,
        app_id,
        NAME,
        people_per_request_max=settings.people_per_request_max,
        keys_per_request_max=settings.keys_per_request_max,
    )
    before = connections.read(db, workspace, connection)
    known = connections.list_ad_accounts(db, workspace, connection)
    connections.set_token(db, keys, workspace, connection, token, now)
    reached = dict(listed.ad_accounts)
    for ref, name in reached.items():
        connections.ensure_ad_account(db, workspace, connection, ref, name)
    ledgers.wake_connection(db, connection, now)
    lost = {one.partner_ref: one.name for one in known if one.partner_ref not in reached}
    return Connected(NAME, before.token is not None, reached, lost)


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
