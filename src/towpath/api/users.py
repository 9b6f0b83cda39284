"""People operations in Braze's shapes: aliases, identify, merge, delete, export (docs/users.md).

What is said in one call happens in one transaction, in its order, before the answer goes out. An
object that cannot be done is refused alone, in `errors`; a call of another shape is refused whole.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Response

from towpath.api import user_export
from towpath.api.callers import Caller, Scope, needs
from towpath.api.database import Database, Now
from towpath.api.idempotency import Once
from towpath.api.problems import documented
from towpath.api.user_bodies import (
    AliasToIdentify,
    Delete,
    Deleted,
    Done,
    EmailToIdentify,
    Identified,
    Identify,
    Identity,
    Merge,
    MergeBehavior,
    Naming,
    NewAliases,
    Processed,
    check_count,
)
from towpath.api.user_export import Export, Exported
from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.people_set import people
from towpath.store import aliases, deletions, external_ids, merges, tombstones, workspaces
from towpath.store.database import Db
from towpath.store.tombstones import Identity as Buried

router = APIRouter(prefix="/users", tags=["users"])
Reader = Annotated[Caller, needs(Scope.USERS_READ)]
Writer = Annotated[Caller, needs(Scope.USERS_WRITE)]
_ONCE = documented(409)


@router.post(
    "/alias/new", status_code=201, operation_id="create_aliases", responses=_ONCE,
    response_model=Processed,
)  # fmt: skip
def create_aliases(
    body: NewAliases, caller: Writer, db: Database, now: Now, once: Once
) -> Response:
    """Give people aliases; an alias without an external id is the name of somebody new."""

    def work() -> Processed:
        workspaces.lock(db, caller.workspace)
        return _create_aliases(db, caller.workspace, body, now)

    return once.do(db, caller, now, 201, work)


def _create_aliases(db: Db, workspace: WorkspaceId, body: NewAliases, now: Instant) -> Processed:
    array, naming = "user_aliases", Naming(db, workspace)
    named = [
        None if one.external_id is None else Identity(external_id=one.external_id)
        for one in body.user_aliases
    ]
    wanted = naming.aliases(array, body.user_aliases)
    owners = naming.numbers(array, named)
    holders: dict[aliases.Alias, int | None] = dict(
        aliases.resolve(db, workspace, [one for one in wanted if one])
    )
    new: dict[aliases.Alias, int | None] = {}
    for index, (alias, who, owner) in enumerate(zip(wanted, named, owners, strict=True)):
        if alias is None or (who is not None and owner is None):
            continue
        if alias in holders and (owner is None or holders[alias] != owner):
            naming.refuse(array, index, "alias_name", "is somebody's already")
        else:
            holders[alias] = new[alias] = owner
    aliases.add(db, workspace, {one: owner for one, owner in new.items() if owner is not None})
    aliases.create_people(db, workspace, [one for one in new if new[one] is None], now)
    return Processed(aliases_processed=len(new), errors=naming.errors)


@router.post(
    "/identify", status_code=201, operation_id="identify_users", responses=_ONCE,
    response_model=Identified,
)  # fmt: skip
def identify_users(body: Identify, caller: Writer, db: Database, now: Now, once: Once) -> Response:
    """Give external ids to people without one; where an external id is somebody's already, that one
    absorbs them."""
    check_count(len(body.aliases_to_identify) + len(body.emails_to_identify))

    def work() -> Identified:
        workspaces.close_gate(db, caller.workspace)
        return _identify(db, caller.workspace, body, now)

    return once.do(db, caller, now, 201, work)


class _Claim(NamedTuple):
    """An object of the call: who is to have which external id."""

    array: str
    place: int
    number: int
    external_id: str


def _claims(
    naming: Naming,
    array: str,
    objects: Sequence[AliasToIdentify | EmailToIdentify],
    named: Sequence[Identity],
) -> list[_Claim]:
    names = naming.external_ids(array, [one.external_id for one in objects])
    numbers = naming.numbers(array, named)
    return [
        _Claim(array, place, number, name)
        for place, (number, name) in enumerate(zip(numbers, names, strict=True))
        if number is not None and name is not None
    ]


def _identify(db: Db, workspace: WorkspaceId, body: Identify, now: Instant) -> Identified:
    naming = Naming(db, workspace)
    by_alias = [Identity(user_alias=one.user_alias) for one in body.aliases_to_identify]
    by_email = [
        Identity(email=one.email, prioritization=one.prioritization)
        for one in body.emails_to_identify
    ]
    claims = [
        *_claims(naming, "aliases_to_identify", body.aliases_to_identify, by_alias),
        *_claims(naming, "emails_to_identify", body.emails_to_identify, by_email),
    ]
    held = external_ids.of(db, [one.number for one in claims])
    owners = external_ids.owners(db, workspace, [one.external_id for one in claims])
    free = [Buried.named(one.external_id) for one in claims if one.external_id not in owners]
    erased = tombstones.erased(db, workspace, free)
    gained: dict[int, str] = {}
    pairs: list[tuple[int, int]] = []
    done = Counter[str]()
    for array, place, number, name in claims:
        if Buried.named(name) in erased:
            naming.refuse(array, place, "external_id", tombstones.REFUSED)
            continue
        if held.setdefault(number, name) != name:
            naming.refuse(array, place, "external_id", "is not theirs: they have another")
            continue
        done[array] += 1
        owner = owners.get(name)
        if owner is None:
            gained[number] = name
            owners[name] = number
        elif owner != number:
            pairs.append((number, owner))
    external_ids.give(db, gained)
    merges.merge(db, workspace, pairs, now, data=body.merge_behavior is MergeBehavior.MERGE)
    return Identified(
        aliases_processed=done["aliases_to_identify"],
        emails_processed=done["emails_to_identify"],
        errors=naming.errors,
    )


@router.post(
    "/merge", status_code=202, operation_id="merge_users", responses=_ONCE, response_model=Done
)
def merge_users(body: Merge, caller: Writer, db: Database, now: Now, once: Once) -> Response:
    """Merge people: what the one to keep lacks is filled from the other, who is no more."""

    def work() -> Done:
        workspaces.close_gate(db, caller.workspace)
        array, naming = "merge_updates", Naming(db, caller.workspace)
        to_merge = [one.identifier_to_merge for one in body.merge_updates]
        to_keep = [one.identifier_to_keep for one in body.merge_updates]
        absorbed = naming.numbers(array, to_merge, "identifier_to_merge")
        kept = naming.numbers(array, to_keep, "identifier_to_keep")
        pairs: list[tuple[int, int]] = []
        for index, (gone, stays) in enumerate(zip(absorbed, kept, strict=True)):
            if gone is not None and gone == stays:
                naming.refuse(array, index, "identifier_to_keep", "is the same person")
            elif gone is not None and stays is not None:
                pairs.append((gone, stays))
        merges.merge(db, caller.workspace, pairs, now)
        return Done(errors=naming.errors)

    return once.do(db, caller, now, 202, work)


@router.post(
    "/delete", status_code=201, operation_id="delete_users", responses=_ONCE,
    response_model=Deleted,
)  # fmt: skip
def delete_users(body: Delete, caller: Writer, db: Database, now: Now, once: Once) -> Response:
    """Delete people: they leave every Canvas at once, and every audience as soon as it is told."""
    named = {
        "external_ids": [Identity(external_id=one) for one in body.external_ids],
        "user_aliases": [Identity(user_alias=one) for one in body.user_aliases],
        "profile_ids": [Identity(profile_id=one) for one in body.profile_ids],
        "braze_ids": [Identity(braze_id=one) for one in body.braze_ids],
        "email_addresses": [
            Identity(email=one.email, prioritization=one.prioritization)
            for one in body.email_addresses
        ],
        "phone_numbers": [
            Identity(phone=one.phone, prioritization=one.prioritization)
            for one in body.phone_numbers
        ],
    }
    check_count(sum(map(len, named.values())))

    def work() -> Deleted:
        workspaces.close_gate(db, caller.workspace)
        naming = Naming(db, caller.workspace)
        found = [
            number
            for array, given in named.items()
            for number in naming.numbers(array, given)
            if number is not None
        ]
        count = deletions.delete(db, caller.workspace, people(found), now)
        return Deleted(deleted=count, errors=naming.errors)

    return once.do(db, caller, now, 201, work)


@router.post("/export/ids", operation_id="export_users", response_model_exclude_unset=True)
def export_users(body: Export, caller: Reader, db: Database) -> Exported:
    """All that is known of these people, or the fields that are asked for."""
    return user_export.export(db, caller.workspace, body)
