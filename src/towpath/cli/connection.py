"""`towpath connection`: what is connected, its ad accounts, its prerequisites, and its end."""

import time
from dataclasses import asdict
from typing import Annotated

import typer

from towpath.api import connecting, disconnecting
from towpath.api.checklist import checklist
from towpath.api.disconnecting import Disconnected, Stopped
from towpath.cli import output
from towpath.cli.canvas_desk import AsJson, Desk, open_desk, reaching
from towpath.cli.connect import TERMINAL
from towpath.errors import InputError, NotFoundError
from towpath.ids import PartnerRef
from towpath.people.filter_parse import nearest
from towpath.store import connections
from towpath.store.connections import Connection
from towpath.store.database import database_now

LOOK_AGAIN_S = 2.0

app = typer.Typer(no_args_is_help=True)

Named = Annotated[str, typer.Argument(help="The connection's name.")]


def _find(desk: Desk, name: str) -> Connection:
    known = connections.list_all(desk.db, desk.workspace)
    for one in known:
        if one.name == name:
            return one
    remedy = nearest(name, [one.name for one in known]) if known else "Run `towpath connect`."
    raise NotFoundError(f"There is no connection named {name!r}.", remedy=remedy, field="name")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """The connections of the workspace."""
    with open_desk() as desk:
        found = connections.list_all(desk.db, desk.workspace)
    if as_json:
        output.show_json([{k: v for k, v in asdict(one).items() if k != "token"} for one in found])
    elif found:
        rows = [
            (
                one.name,
                one.state,
                one.person or "–",
                one.connected_by or "–",
                f"{one.connected_at:%Y-%m-%d %H:%M:%S}" if one.connected_at else "–",
            )
            for one in found
        ]
        output.show_table(("connection", "state", "person", "by", "since"), rows)
    else:
        output.say("Nothing is connected: `towpath connect tiktok`.")


@app.command("accounts")
def accounts_command(
    name: Named,
    use: Annotated[
        list[str] | None, typer.Option(help="Use this ad account and no others; repeat it.")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask TikTok anew first.")] = False,
    as_json: AsJson = False,
) -> None:
    """The ad accounts of a connection; with --use, which of them Canvases may use."""
    with open_desk() as desk:
        where = _find(desk, name).id
        if refresh:
            reaching(desk, lambda reach: connecting.refresh(desk.db, desk.workspace, where, reach))
        if use:
            now, wanted = database_now(desk.db), [PartnerRef(each) for each in use]
            connecting.choose(desk.db, desk.workspace, where, wanted, actor=TERMINAL, now=now)
        found = connections.list_ad_accounts(desk.db, desk.workspace, where)
    if as_json:
        output.show_json([asdict(one) for one in found])
        return
    rows = [
        (one.partner_ref, one.name, _yes(one.chosen), _yes(one.reached), one.status or "–")
        for one in found
    ]
    output.show_table(("ad account", "name", "used", "reached", "status"), rows)


@app.command("check")
def check_command(name: Named, as_json: AsJson = False) -> None:
    """The prerequisites, and how each stands. Exit code 1 when one is missing."""
    with open_desk() as desk:
        found = checklist(desk.db, desk.workspace, _find(desk, name).id)
    if as_json:
        output.show_json([asdict(one) for one in found])
    else:
        for one in found:
            output.say(f"{one.state:8} {one.name}: {one.told} {one.remedy}".rstrip())
    if any(one.state == "missing" for one in found):
        raise typer.Exit(1)


@app.command("accept-terms")
def accept_terms_command(name: Named) -> None:
    """Accept TikTok's terms, policies and guidelines for this connection."""
    with open_desk() as desk:
        where, now = _find(desk, name).id, database_now(desk.db)
        found = connecting.accept_terms(desk.db, desk.workspace, where, actor=TERMINAL, now=now)
    output.say(f"Accepted by {found.terms_accepted_by} at {found.terms_accepted_at}.")


@app.command("disconnect")
def disconnect_command(
    name: Named,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask: these Canvases may stop.")
    ] = False,
    remove_everyone_first: Annotated[
        bool, typer.Option("--remove-everyone-first", help="Empty its audiences before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Stop sending over a connection and revoke its token. Says what stops, and asks."""
    with open_desk() as desk:
        where = _find(desk, name).id
        stopped = disconnecting.stopped_by(desk.db, desk.workspace, where)
        _acknowledge(stopped, yes=yes)

        def again() -> Disconnected:
            return reaching(
                desk,
                lambda reach: disconnecting.disconnect(
                    desk.db,
                    desk.workspace,
                    where,
                    reach,
                    [one.canvas for one in stopped],
                    remove_everyone_first=remove_everyone_first,
                    actor=TERMINAL,
                ),
            )

        done = again()
        if not done.done:
            output.note(f"{done.removals_left:,} removals are left; `towpath serve` sends them.")
        while not done.done:  # Ctrl-C leaves it emptying; the command again goes on
            time.sleep(LOOK_AGAIN_S)
            done = again()
    if as_json:
        output.show_json(asdict(done))
    else:
        output.say(done.token_left or f"{name} is disconnected, and its token is revoked.")


def _acknowledge(stopped: list[Stopped], *, yes: bool) -> None:
    for one in stopped:
        steps = ", ".join(one.steps)
        output.note(f"Stops syncing: {one.name} ({steps}); {one.pending:,} people wait there.")
    if stopped and not yes and not typer.confirm("Disconnect?", err=True):
        raise InputError("Nothing was disconnected.", remedy="Say yes, or give --yes.")


def _yes(wanted: bool) -> str:
    return "yes" if wanted else "no"
