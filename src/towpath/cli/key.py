"""`towpath key`: API keys of a workspace. A key is printed once, on stdout, and only its digest
kept."""

from dataclasses import asdict
from typing import Annotated

import typer

from towpath.api.callers import SCOPES, read_scopes
from towpath.cli import compose, opening, output
from towpath.clock import Instant
from towpath.errors import InputError
from towpath.ids import ApiKeyId
from towpath.limits import NAME_CHARS_MAX
from towpath.store import api_keys, audit_trail
from towpath.store.api_keys import ApiKey
from towpath.store.audit_trail import TERMINAL
from towpath.store.database import database_now

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("create")
def create_command(
    name: Annotated[str, typer.Option(help="What it is for, such as the program that has it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"What it may do; give it several times. One of {', '.join(SCOPES)}."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="It may do everything.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it. It cannot be shown again."""
    if not 0 < len(name.strip()) <= NAME_CHARS_MAX:
        raise InputError(
            f"A key's name has 1 to {NAME_CHARS_MAX} characters.",
            remedy="Say what it is for: --name till.",
            field="--name",
        )
    scopes = list(SCOPES.values()) if everything else read_scopes(scope or [], "--scope")
    settings = compose.read_settings()
    with opening.opened(settings) as url, compose.connect(url) as db:
        workspace = opening.workspace_of(db, settings.workspace)
        now = database_now(db)
        with audit_trail.noted(db, workspace.id, TERMINAL, "key.created", "", now) as told:
            made, text = api_keys.create(db, workspace.id, name.strip(), scopes, now)
            told |= {"key": made.id, "name": made.name, "scopes": made.scopes}
    if as_json:
        output.show_json({**asdict(made), "key": text})
    else:
        output.say(text)
        output.note(f"This key opens {workspace.name}. It is not shown again.")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """The workspace's keys: how they begin, what they may do, when they were used."""
    settings = compose.read_settings()
    with opening.opened(settings) as url, compose.connect(url) as db:
        workspace = opening.workspace_of(db, settings.workspace)
        found = api_keys.list_all(db, workspace.id)
    if as_json:
        output.show_json([asdict(key) for key in found])
    elif found:
        rows = [
            (key.id, key.name, f"{key.hint}…", " ".join(key.scopes), *map(_told, _moments(key)))
            for key in found
        ]
        columns = ("id", "name", "begins", "scopes", "made", "used", "revoked")
        output.show_table(columns, rows)
    else:
        output.say(f"There is no key in {workspace.name}.")


@app.command("revoke")
def revoke_command(
    key: Annotated[int, typer.Argument(help="Its id, as `towpath key list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Close a key for good: within a second it opens nothing any more."""
    settings = compose.read_settings()
    with opening.opened(settings) as url, compose.connect(url) as db:
        workspace = opening.workspace_of(db, settings.workspace)
        now, where = database_now(db), f"key {key}"
        with audit_trail.noted(db, workspace.id, TERMINAL, "key.revoked", where, now):
            revoked = api_keys.revoke(db, workspace.id, ApiKeyId(key), now)
    if as_json:
        output.show_json(asdict(revoked))
    else:
        output.say(f"{revoked.name} ({revoked.hint}…) opens nothing any more.")


def _moments(key: ApiKey) -> tuple[Instant | None, ...]:
    return key.created_at, key.used_at, key.revoked_at


def _told(moment: Instant | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "–"
