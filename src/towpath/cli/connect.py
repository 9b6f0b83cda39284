"""`towpath connect tiktok`: connect by a token that the operator has, or over the consent page.

The token comes from the settings (TOWPATH_TIKTOK_TOKEN, or a file), from standard input, or from a
prompt that does not show it; it is never an argument, which others could read in the list of
processes. With `--consent` the address of TikTok's page is printed, and the address that the
browser ends up at is read back. Run again, the connection is the same and whoever waits goes on.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated

import typer

from towpath.api import callback, connecting
from towpath.api.checklist import TERMS
from towpath.api.connecting import NAME, TIKTOK, Token
from towpath.api.connecting import Connected as Connected  # noqa: PLC0414 - its result, for callers
from towpath.api.connections import CALLBACK
from towpath.api.launching import Reach
from towpath.cli import compose, output
from towpath.cli.canvas_desk import Desk, open_desk, reaching
from towpath.errors import InputError, SettingsError
from towpath.ids import PartnerRef, WorkspaceId
from towpath.limits import AUTHORISATION_S, CALLBACK_QUERY_CHARS_MAX
from towpath.partners.registry import PARTNERS
from towpath.partners.tiktok.limits import TOKEN_CHARS_MAX
from towpath.settings import Settings
from towpath.store import authorisations, connections
from towpath.store.database import Db, database_now

TERMINAL = "terminal"

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Connect to a partner."""


@app.command("tiktok")
def tiktok_command(
    consent: Annotated[
        bool, typer.Option("--consent", help="Over TikTok's consent page, not by a token.")
    ] = False,
    name: Annotated[str, typer.Option(help="What the connection is called.")] = NAME,
    ad_account: Annotated[
        list[str] | None,
        typer.Option(help="Use this ad account; may be repeated. Without: all that are new."),
    ] = None,
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="TikTok's terms and policies are accepted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Connect to TikTok, or give the connection another token. Shows the ad accounts it reaches."""
    settings = compose.read_settings()
    token = None if consent else read_token(settings)
    with open_desk() as desk:
        if token is None:
            connected = _over_consent(desk, name)
        else:
            connected = reaching(
                desk,
                lambda reach: connect(desk.db, desk.workspace, settings, reach, token, name=name),
            )
        _choose(desk, connected, ad_account)
        if accept_terms:
            connecting.accept_terms(
                desk.db, desk.workspace, connected.id, actor=TERMINAL, now=database_now(desk.db)
            )
        accepted = connections.read(desk.db, desk.workspace, connected.id).terms_accepted_at
    _tell(connected, as_json=as_json)
    if accepted is None and not as_json:
        output.say(
            "Nobody has accepted TikTok's terms and policies yet, so no Canvas can launch: "
            f"read {TERMS}, then `towpath connection accept-terms {shlex.quote(name)}`."
        )


def _tell(connected: Connected, *, as_json: bool) -> None:
    if as_json:
        output.show_json(asdict(connected))
        return
    output.show_table(("Ad account", "Name"), connected.ad_accounts.items(), title=NAME)
    if connected.unlisted:
        output.say(f"The ad accounts are not known yet: {connected.unlisted}.")
    elif not connected.ad_accounts:
        output.say("The token reaches no ad account: ask the Business Center's admin for one.")
    for lacking in connected.lacking:
        output.say(f"Not granted, so that steps cannot work: {lacking}.")
    for ref, called in connected.lost.items():
        output.say(f"The token no longer reaches {ref} ({called}); what is sent for it waits.")
    output.say("TikTok has another token now." if connected.replaced else "TikTok is connected.")


def _over_consent(desk: Desk, name: str) -> Connected:
    """Print the page's address, and take back the one at which the browser ends."""

    async def finish(reach: Reach) -> Connected:
        ours = connecting.ours(reach)
        here = ours.public_url or f"http://127.0.0.1:{desk.settings.listen_port}"
        state = authorisations.begin(
            desk.db,
            desk.workspace,
            TIKTOK,
            name,
            holder=TERMINAL,
            member=None,
            redirect_uri=f"{here}{CALLBACK}",
            now=database_now(desk.db),
        )
        url = reach.base_urls[TIKTOK]
        page = PARTNERS[TIKTOK].consent_url(url, ours.app_ref, state, f"{here}{CALLBACK}")
        output.note(f"Open this in a browser and confirm, within {AUTHORISATION_S // 60} minutes:")
        output.note(f"\n  {page}\n")
        output.note("The browser ends at an address of Towpath's that says it is not connected;")
        output.note("that is right. Copy the whole address from its address bar, and paste it.")
        if sys.stdin.isatty():
            pasted = typer.prompt("Address", hide_input=True, err=True)
        else:
            pasted = sys.stdin.readline(CALLBACK_QUERY_CHARS_MAX + 2_000)
        if "=" not in pasted:
            raise InputError(
                "This is not the whole address: the code alone does not say whose it is.",
                remedy="Begin again, and copy everything from the browser's address bar.",
                field="address",
            )
        back = callback.read_pasted(pasted)
        return await callback.finish(desk.db, reach, back, TERMINAL, TERMINAL)

    return reaching(desk, finish)


def _choose(desk: Desk, connected: Connected, wanted: Sequence[str] | None) -> None:
    """The ad accounts that were named; over the consent page without names: all, as by token."""
    refs = [PartnerRef(each) for each in wanted or ()] or list(connected.ad_accounts)
    if wanted or not connected.replaced:
        connecting.choose(
            desk.db,
            desk.workspace,
            connected.id,
            refs,
            actor=TERMINAL,
            now=database_now(desk.db),
        )


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
    db: Db,
    workspace: WorkspaceId,
    settings: Settings,
    reach: Reach,
    token: str,
    *,
    name: str = NAME,
) -> Connected:
    """Prove the token by reading its ad accounts, then keep it sealed, with them.

    Raises SettingsError without an app, PartnerError when TikTok refuses; then the connection that
    was there before is as it was.
    """
    ours = compose.our_app(settings)
    if ours is None:
        raise SettingsError(
            "It is not said as which app Towpath speaks to TikTok.",
            remedy="Set TOWPATH_TIKTOK_APP_ID and TOWPATH_TIKTOK_APP_SECRET_FILE.",
            field="tiktok_app_id",
        )
    mine = replace(reach, ours=ours)
    return await connecting.keep(
        db, workspace, mine, Token(token), name=name, actor=TERMINAL, choose_new=True
    )
