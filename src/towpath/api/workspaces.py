"""Workspaces over HTTP. A caller sees those they belong to; of others nobody says that they are."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from towpath.api.bodies import Body, Name
from towpath.api.callers import AnyCaller, Caller, Scope, needs
from towpath.api.database import Database, Now
from towpath.api.idempotency import Once
from towpath.api.pages import Cursor, Page
from towpath.api.problems import Problem, documented
from towpath.errors import InputError, NotFoundError
from towpath.limits import AGE_MIN_MAX, NAME_CHARS_MAX, PURPOSES_MAX
from towpath.people.columns import Refusal
from towpath.people.consent import read_purpose
from towpath.people.filter_parse import one_of
from towpath.people.match_field import ALL_FIELDS, MatchField, fields_of, mask
from towpath.people.profile import read_country
from towpath.store import consents, members, workspaces
from towpath.store.database import Db
from towpath.store.members import Role
from towpath.store.workspaces import Workspace

router = APIRouter(prefix="/v1/workspaces", tags=["workspaces"])
Named = Annotated[str, Path(min_length=1, max_length=NAME_CHARS_MAX)]


class WorkspaceShown(BaseModel):
    """A workspace with its settings."""

    name: str
    default_country: str | None = Field(
        description="Where phones without a country code are read (ISO 3166, two letters)."
    )
    unknown_consent_is_sent: bool = Field(
        description="Are people of whom no consent is known sent to partners too?"
    )
    fields_allowed: list[MatchField] = Field(
        description="The match fields that may leave at all; a Canvas that sends another cannot"
        " launch."
    )
    age_min: int | None = Field(
        description="Whoever is known to be younger, in years, is never sent; null: no age."
    )
    purposes: list[str] = Field(
        description="Consent to each of these is needed too: the attributes `consent.PURPOSE`."
    )


class NewWorkspace(Body):
    """A workspace to be made."""

    name: Name


class WorkspaceChange(Body):
    """What is to change; what is left out stays."""

    default_country: str | None = Field(None, max_length=100)
    unknown_consent_is_sent: bool = False
    fields_allowed: list[str] = Field(default_factory=list, max_length=len(ALL_FIELDS))
    age_min: int | None = Field(None, ge=1, le=AGE_MIN_MAX)
    purposes: list[str] = Field(default_factory=list, max_length=PURPOSES_MAX)


@router.get("", operation_id="list_workspaces")
def list_workspaces(caller: AnyCaller, db: Database, cursor: Cursor) -> Page[WorkspaceShown]:
    """The caller's workspaces, by name."""
    mine = {caller.workspace}
    if caller.member is not None:
        mine = {one.workspace for one in members.memberships(db, caller.member)}
    after = cursor.text
    found = [one for one in workspaces.list_all(db) if one.id in mine and one.name > after]
    return cursor.page([_shown(one) for one in found], lambda one: one.name)


@router.post(
    "",
    status_code=201,
    operation_id="create_workspace",
    response_model=WorkspaceShown,
    responses=documented(409),
)
def create_workspace(
    body: NewWorkspace, caller: AnyCaller, db: Database, now: Now, once: Once
) -> Response:
    """Make a workspace; the owner who makes it becomes its owner."""
    member = caller.member
    if member is None or caller.role is not Role.OWNER:
        raise Problem(
            403, "Only an owner makes workspaces.", remedy="`towpath workspace create` does too."
        )

    def make() -> WorkspaceShown:
        made = workspaces.create(db, body.name, now)
        members.join(db, member, made.id, Role.OWNER)
        return _shown(made)

    return once.do(db, caller, now, 201, make)


@router.get("/{name}", operation_id="read_workspace")
def read_workspace(name: Named, caller: AnyCaller, db: Database) -> WorkspaceShown:
    """The workspace that the request is for."""
    return _shown(_own(db, caller, name))


@router.patch("/{name}", operation_id="change_workspace")
def change_workspace(
    name: Named,
    body: WorkspaceChange,
    caller: Annotated[Caller, needs(Scope.WORKSPACE_ADMIN)],
    db: Database,
    now: Now,
) -> WorkspaceShown:
    """Change settings of the workspace that the request is for. Whoever may not be sent by them any
    more leaves every audience."""
    found = _own(db, caller, name)
    given = body.model_fields_set
    wanted = found
    if "default_country" in given:
        wanted = replace(wanted, default_country=read_default_country(body.default_country))
    if "unknown_consent_is_sent" in given:
        wanted = replace(wanted, unknown_consent_is_sent=body.unknown_consent_is_sent)
    if "fields_allowed" in given:
        wanted = replace(wanted, fields_allowed=read_fields(body.fields_allowed))
    if "age_min" in given:
        wanted = replace(wanted, age_min=body.age_min)
    if "purposes" in given:
        wanted = replace(wanted, purposes=read_purposes(body.purposes))
    return _shown(consents.change_rules(db, wanted, now))


def read_fields(texts: Iterable[str]) -> tuple[MatchField, ...]:
    """Match fields by their words, in their one order; none at all: nothing may leave. Raises
    InputError for an unknown one."""
    where = "fields_allowed"
    return fields_of(mask(MatchField(one_of(text, ALL_FIELDS, where)) for text in texts))


def read_purposes(texts: Iterable[str]) -> tuple[str, ...]:
    """Names of purposes, each once, in order. Raises InputError for one that cannot be, and for
    more than PURPOSES_MAX."""
    found = sorted(set(texts))
    for text in found:
        if isinstance(refusal := read_purpose(text), Refusal):
            raise InputError(f"{text[:40]!r} {refusal.reason}.", field="purposes")
    if len(found) > PURPOSES_MAX:
        raise InputError(f"At most {PURPOSES_MAX} purposes.", field="purposes")
    return tuple(found)


def read_default_country(text: str | None) -> str | None:
    """The country in capitals; None: none. Raises InputError for what is no country."""
    if text is None:
        return None
    found = read_country(text)
    if isinstance(found, Refusal):
        raise InputError(f"{text!r} {found.reason}.", field="default_country")
    return found


def _own(db: Db, caller: Caller, name: str) -> Workspace:
    found = workspaces.read(db, caller.workspace)
    if found.name != name:
        raise NotFoundError("There is no such workspace.")
    return found


def _shown(workspace: Workspace) -> WorkspaceShown:
    return WorkspaceShown(
        name=workspace.name,
        default_country=workspace.default_country,
        unknown_consent_is_sent=workspace.unknown_consent_is_sent,
        fields_allowed=list(workspace.fields_allowed),
        age_min=workspace.age_min,
        purposes=list(workspace.purposes),
    )
