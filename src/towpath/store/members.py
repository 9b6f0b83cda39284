"""Members of the team: who may sign in to the dashboard, and what they are in which workspace.

An e-mail address is kept in small letters. Passwords come here hashed (`api/passwords.py`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from psycopg.rows import class_row

from towpath.clock import Instant
from towpath.errors import ConflictError, InputError, NotFoundError
from towpath.ids import MemberId, WorkspaceId
from towpath.limits import EMAIL_CHARS_MAX
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("members")


class Role(StrEnum):
    """What a member is in a workspace."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    ANALYST = "analyst"
    PRIVACY = "privacy"


@dataclass(frozen=True, slots=True)
class Member:
    """A member; `password` is an argon2id hash, None: signs in by a link only."""

    id: MemberId
    email: str
    name: str
    password: str | None = field(repr=False)


class Membership(NamedTuple):
    """A workspace that a member works in."""

    workspace: WorkspaceId
    name: str
    role: Role


class Listed(NamedTuple):
    """A member of a workspace, as shown."""

    id: MemberId
    email: str
    name: str
    role: Role
    has_password: bool


def create(db: Db, email: str, name: str, password: str | None, now: Instant) -> Member:
    """A new member, of no workspace yet. Raises InputError, and ConflictError for a known one."""
    given = {"email": read_email(email), "name": name, "password": password, "now": now}
    with db.cursor(row_factory=class_row(Member)) as cursor:
        made = cursor.execute(_SQL["insert_member"], given).fetchone()
    if made is None:
        raise ConflictError("There is a member with this e-mail address already.", field="email")
    return made


def find(db: Db, email: str) -> Member | None:
    """The member with this e-mail address, however its letters are written."""
    with db.cursor(row_factory=class_row(Member)) as cursor:
        return cursor.execute(_SQL["find_member"], {"email": email.strip().lower()}).fetchone()


def read(db: Db, member: MemberId) -> Member:
    """Raises NotFoundError."""
    with db.cursor(row_factory=class_row(Member)) as cursor:
        found = cursor.execute(_SQL["read_member"], {"member": member}).fetchone()
    if found is None:
        raise NotFoundError("There is no such member.")
    return found


def set_password(db: Db, member: MemberId, password: str) -> None:
    """Give a member this hash for a password."""
    db.execute(_SQL["set_password"], {"member": member, "password": password})


def join(db: Db, member: MemberId, workspace: WorkspaceId, role: Role) -> None:
    """Let a member work in a workspace, with this role from now on."""
    db.execute(
        _SQL["join_workspace"], {"member": member, "workspace": workspace, "role": role.value}
    )


def memberships(db: Db, member: MemberId) -> list[Membership]:
    """The workspaces that a member works in, by name."""
    rows = db.execute(_SQL["list_memberships"], {"member": member})
    return [Membership(workspace, name, Role(role)) for workspace, name, role in rows]


def list_all(db: Db, workspace: WorkspaceId) -> list[Listed]:
    """The members of a workspace, by e-mail address."""
    rows = db.execute(_SQL["list_members"], {"workspace": workspace})
    return [Listed(number, email, name, Role(role), has) for number, email, name, role, has in rows]


def read_email(text: str) -> str:
    """The address as it is kept. Raises InputError for what cannot be one."""
    email = text.strip().lower()
    name, at, place = email.rpartition("@")
    fine = at and name and place and email.isprintable() and " " not in email
    if not fine or len(email) > EMAIL_CHARS_MAX:
        raise InputError(
            "This is no e-mail address.", remedy="Write one such as ana@example.com.", field="email"
        )
    return email
