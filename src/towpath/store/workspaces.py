"""Workspaces: everything else belongs to one."""

from dataclasses import dataclass
from typing import Any

from towpath.clock import Instant
from towpath.errors import ConflictError, NotFoundError
from towpath.ids import WorkspaceId
from towpath.people.match_field import ALL_FIELDS, MatchField, fields_of, mask
from towpath.store.database import Db
from towpath.store.queries import queries

DEFAULT_NAME = "default"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace with its settings.

    `default_country` (ISO 3166, two letters) is where phones without a country code are read;
    `unknown_consent_is_sent`: people of whom no consent is known are sent to partners too;
    `fields_allowed`: the match fields that may leave at all; `age_min`: whoever is known to be
    younger, in years, is never sent; `purposes`: consent to each of them is needed too.
    """

    id: WorkspaceId
    name: str
    default_country: str | None
    unknown_consent_is_sent: bool
    fields_allowed: tuple[MatchField, ...] = ALL_FIELDS
    age_min: int | None = None
    purposes: tuple[str, ...] = ()

    def lets_fewer_go(self, before: "Workspace") -> bool:
        """May somebody not be sent any more who might by the settings before?"""
        older = self.age_min is not None and self.age_min > (before.age_min or 0)
        stricter = before.unknown_consent_is_sent and not self.unknown_consent_is_sent
        return older or stricter or bool(set(self.purposes) - set(before.purposes))


def ensure_default(db: Db, now: Instant) -> Workspace:
    """The workspace named "default", made when there is none."""
    found = find(db, DEFAULT_NAME)
    if found is None:
        db.execute(queries("workspaces")["insert_workspace"], (DEFAULT_NAME, now))
        found = find(db, DEFAULT_NAME)
    assert found is not None
    return found


def create(db: Db, name: str, now: Instant) -> Workspace:
    """A new workspace of that name. Raises ConflictError when there is one."""
    made = db.execute(queries("workspaces")["insert_workspace"], (name, now))
    if made.rowcount == 0:
        raise ConflictError(f"There is a workspace named {name!r} already.", field="name")
    found = find(db, name)
    assert found is not None
    return found


def find(db: Db, name: str) -> Workspace | None:
    """The workspace of that name, if there is one."""
    return _fetch(db, "find_workspace", name)


def read(db: Db, workspace: WorkspaceId) -> Workspace:
    """A workspace by its id. Raises NotFoundError."""
    found = _fetch(db, "read_workspace", workspace)
    if found is None:
        raise NotFoundError(f"There is no workspace {workspace}.")
    return found


def list_all(db: Db) -> list[Workspace]:
    """All workspaces, by name."""
    return [_workspace(row) for row in db.execute(queries("workspaces")["list_workspaces"])]


def change(
    db: Db,
    workspace: WorkspaceId,
    *,
    default_country: str | None,
    unknown_consent_is_sent: bool,
    fields_allowed: tuple[MatchField, ...],
    age_min: int | None = None,
    purposes: tuple[str, ...] = (),
) -> Workspace:
    """Give a workspace these settings; the caller has checked the country and the age, and lets
    those go who may not be sent any more (`consents.change_rules`). Raises NotFoundError.

    Phones are read and consent is asked by the new settings from now on; who was imported before
    keeps the match keys they have.
    """
    given = (default_country, unknown_consent_is_sent, mask(fields_allowed), age_min)
    changed = (*given, list(purposes), workspace)
    db.execute(queries("workspaces")["change_workspace"], changed)
    return read(db, workspace)


def lock(db: Db, workspace: WorkspaceId) -> None:
    """Let nobody else write people of the workspace until this transaction ends.

    New numbers stay dense and shared keys right only when writers see each other's people. Raises
    NotFoundError.
    """
    if db.execute(queries("workspaces")["lock_workspace"], (workspace,)).fetchone() is None:
        raise NotFoundError(f"There is no workspace {workspace}.")


def pass_gate(db: Db, workspace: WorkspaceId) -> None:
    """Let nobody of the workspace be merged, deleted or erased until this transaction ends.

    Whoever lets people into a Canvas, or moves them on, passes before asking who they are; any
    number may at once. Before `lock`, where both are needed.
    """
    db.execute(queries("workspaces")["pass_gate"], (workspace,))


def close_gate(db: Db, workspace: WorkspaceId) -> None:
    """Wait for everybody who has passed the gate, let nobody else pass until this transaction ends,
    and `lock`: whoever goes now, goes from every place where they stand. Raises NotFoundError."""
    db.execute(queries("workspaces")["close_gate"], (workspace,))
    lock(db, workspace)


def _fetch(db: Db, query: str, key: str | int) -> Workspace | None:
    row = db.execute(queries("workspaces")[query], (key,)).fetchone()
    return _workspace(row) if row else None


def _workspace(row: tuple[Any, ...]) -> Workspace:
    number, name, country, unknown_is_sent, allowed, age_min, purposes = row
    fields = fields_of(allowed)
    return Workspace(number, name, country, unknown_is_sent, fields, age_min, tuple(purposes))
