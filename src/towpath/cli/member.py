"""`towpath member`: who may sign in to the dashboard. The first owner is made here.

A password is asked for without showing it; without one, a link is printed that signs in once.
"""

import sys
from typing import Annotated

import typer

from towpath.api import passwords
from towpath.cli import compose, opening, output
from towpath.errors import InputError, NotFoundError
from towpath.limits import NAME_CHARS_MAX, SIGN_IN_LINK_S
from towpath.settings import Settings
from towpath.store import audit_trail, members, sessions
from towpath.store.audit_trail import TERMINAL
from towpath.store.database import Db, database_now
from towpath.store.members import Member, Role

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Email = Annotated[str, typer.Option(help="The e-mail address that they sign in with.")]


@app.command("create")
def create_command(
    email: Email,
    name: Annotated[str, typer.Option(help="What they are called.")],
    owner: Annotated[bool, typer.Option("--owner", help="They may do everything.")] = False,
    role: Annotated[Role, typer.Option(help="What they are in the workspace.")] = Role.EDITOR,
    link: Annotated[
        bool, typer.Option("--link", help="Ask for no password: print a link to sign in by.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a member of the workspace, or give one who is known already a role in it."""
    if not 0 < len(name.strip()) <= NAME_CHARS_MAX or not name.isprintable():
        raise InputError(f"A name has 1 to {NAME_CHARS_MAX} characters.", field="--name")
    members.read_email(email)
    wanted = Role.OWNER if owner else role
    settings = compose.read_settings()
    with opening.opened(settings) as url, compose.connect(url) as db:
        workspace = opening.workspace_of(db, settings.workspace)
        now = database_now(db)
        found = members.find(db, email)
        if found is None:
            password = None if link or not sys.stdin.isatty() else _ask()
            kept = passwords.hashed(password) if password is not None else None
            found = members.create(db, email, name.strip(), kept, now)
        where = f"member {found.id}"
        with audit_trail.noted(db, workspace.id, TERMINAL, "member.joined", where, now) as noted:
            members.join(db, found.id, workspace.id, wanted)
            noted |= {"name": found.name, "role": wanted.value}
        printed = None if found.password and not link else _link(settings, db, found)
    told = {"name": found.name, "workspace": workspace.name, "role": wanted.value, "link": printed}
    if as_json:
        output.show_json(told)
        return
    output.note(f"{found.name} is {wanted.value} of {workspace.name}.")
    _say_link(printed)


@app.command("link")
def link_command(email: Email, as_json: AsJson = False) -> None:
    """Print a link that signs a member in once."""
    settings = compose.read_settings()
    with opening.opened(settings) as url, compose.connect(url) as db:
        found = members.find(db, email)
        if found is None:
            raise NotFoundError(
                "There is no member with this e-mail address.",
                remedy="`towpath member create` makes one.",
                field="--email",
            )
        printed = _link(settings, db, found)
    if as_json:
        output.show_json({"link": printed})
    else:
        _say_link(printed)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """The members of the workspace."""
    settings = compose.read_settings()
    with opening.opened(settings) as url, compose.connect(url) as db:
        workspace = opening.workspace_of(db, settings.workspace)
        found = members.list_all(db, workspace.id)
    if as_json:
        output.show_json([one._asdict() for one in found])
    elif found:
        rows = [
            (one.email, one.name, one.role.value, "yes" if one.has_password else "no")
            for one in found
        ]
        output.show_table(("e-mail", "name", "role", "password"), rows)
    else:
        output.say(f"Nobody works in {workspace.name} yet.")


def _ask() -> str:
    while True:
        first: str = typer.prompt("Password", hide_input=True, err=True)
        if first == typer.prompt("Again", hide_input=True, err=True):
            return first
        output.note("These are not the same.")


def _link(settings: Settings, db: Db, member: Member) -> str:
    host = settings.listen_host
    here = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - it is read, not bound
    place = settings.public_url or f"http://{here}:{settings.listen_port}"
    return f"{place}/sign-in/link?token={sessions.create_link(db, member.id, database_now(db))}"


def _say_link(link: str | None) -> None:
    if link is not None:
        output.say(link)
        output.note(f"The link signs in once, within {SIGN_IN_LINK_S // 60} minutes.")
