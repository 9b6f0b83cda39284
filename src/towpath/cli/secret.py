"""`towpath secret`: what webhooks must prove themselves with, kept sealed and shown never."""

import sys
from typing import Annotated

import typer

from towpath.cli import output
from towpath.cli.canvas_desk import AsJson, open_desk
from towpath.cli.compose import key_ring
from towpath.limits import NAMED_SECRET_BYTES_MAX
from towpath.store import audit_trail, named_secrets, secrets, workspaces
from towpath.store.audit_trail import TERMINAL
from towpath.store.database import database_now

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Its name: a-z, 0-9 and _.")]


@app.command("set")
def set_command(name: Name) -> None:
    """Keep a secret under a name; it is typed unseen, or read from standard input."""
    with open_desk() as desk:
        if sys.stdin.isatty():
            text = typer.prompt(f"Secret {name}", hide_input=True, err=True)
        else:
            text = sys.stdin.readline(NAMED_SECRET_BYTES_MAX + 2)
        now = database_now(desk.db)
        keys = key_ring(desk.settings)
        named_secrets.write(desk.db, keys, desk.workspace, name, text.strip(), now)
    output.say(f"{name} is kept. A webhook uses it as {{{{ secret.{name} }}}}.")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """The names of the secrets."""
    with open_desk() as desk:
        found = named_secrets.names(desk.db, desk.workspace)
    if as_json:
        output.show_json(found)
    else:
        output.say("\n".join(found) or "There is no secret.")


@app.command("delete")
def delete_command(name: Name) -> None:
    """Forget a secret. Webhooks that use it fail from then on."""
    with open_desk() as desk:
        named_secrets.delete(desk.db, desk.workspace, name)
    output.say(f"{name} is forgotten.")


@app.command("rotate")
def rotate_command(as_json: AsJson = False) -> None:
    """Seal again under the first of the secret keys what older ones sealed, while all goes on.

    Put the new key in front of the old ones, start every process again, rotate, then drop them.
    """
    with open_desk() as desk:
        keys = key_ring(desk.settings)
        secrets.check_keys(desk.db, keys)
        done = 0
        while sealed := secrets.rotate(desk.db, keys):
            done += sealed
        if done:
            told = {"key": keys.current, "sealed_again": done}
            now = database_now(desk.db)
            for one in workspaces.list_all(desk.db):
                audit_trail.append(
                    desk.db, one.id, TERMINAL, "keys.rotated", "secret keys", told, now
                )
    if as_json:
        output.show_json({"key": keys.current, "sealed_again": done})
    else:
        output.say(f"{done:,} sealed again under {keys.current!r}; the older keys may go.")
