"""Bodies and answers of the people operations, in Braze's shapes, and whom an object names.

`profile_id` is our name for what Braze calls `braze_id`; both are taken. An object that cannot be
taken is refused alone, with its place in the call; the others are done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Annotated, TypeVar

from msgspec import UNSET
from pydantic import BaseModel, Field

from towpath.api.bodies import Body
from towpath.errors import InputError
from towpath.ids import WorkspaceId
from towpath.limits import USERS_PER_CALL_MAX
from towpath.people import whose
from towpath.people.prioritization import Namesake, Prioritization, choose
from towpath.people.whose import Named, Unfit, Who, WhoKind
from towpath.store import aliases, identities, namesakes
from towpath.store.database import Db

T = TypeVar("T")
_MANY = (WhoKind.EMAIL, WhoKind.PHONE)
"""By these several people may be named."""
Text = Annotated[str, Field(max_length=1_000)]
Many = Annotated[list[T], Field(max_length=USERS_PER_CALL_MAX)]
Order = Annotated[list[Annotated[Prioritization, Field(strict=False)]], Field(max_length=4)]


class Alias(Body):
    """A label and a name under it, both case-sensitive."""

    alias_label: Text
    alias_name: Text


class NewAlias(Alias):
    """An alias for whom the external id names; without one for somebody new."""

    external_id: Text | None = None


class NewAliases(Body):
    """`POST /users/alias/new`."""

    user_aliases: list[NewAlias] = Field(min_length=1, max_length=USERS_PER_CALL_MAX)


class Identity(Body):
    """Exactly one of these; an e-mail or phone needs `prioritization`, which may be empty."""

    external_id: Text | None = None
    user_alias: Alias | None = None
    profile_id: Text | None = None
    braze_id: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    prioritization: Order | None = None


class AliasToIdentify(Body):
    """Whoever has the alias gets the external id, or becomes whoever has it."""

    external_id: Text
    user_alias: Alias


class EmailToIdentify(Body):
    """The same for whoever has the e-mail and no external id."""

    external_id: Text
    email: Text
    prioritization: Order


class MergeBehavior(StrEnum):
    """Does data of the unidentified go over, where the external id is somebody's already?"""

    NONE = "none"
    MERGE = "merge"


class Identify(Body):
    """`POST /users/identify`."""

    aliases_to_identify: Many[AliasToIdentify] = Field(default_factory=list)
    emails_to_identify: Many[EmailToIdentify] = Field(default_factory=list)
    merge_behavior: Annotated[MergeBehavior, Field(strict=False)] = MergeBehavior.MERGE


class MergeUpdate(Body):
    """The first is absorbed, the second survives."""

    identifier_to_merge: Identity
    identifier_to_keep: Identity


class Merge(Body):
    """`POST /users/merge`."""

    merge_updates: list[MergeUpdate] = Field(min_length=1, max_length=USERS_PER_CALL_MAX)


class EmailMeant(Body):
    """Which of those who have the e-mail."""

    email: Text
    prioritization: Order


class PhoneMeant(Body):
    """Which of those who have the phone."""

    phone: Text
    prioritization: Order


class Delete(Body):
    """`POST /users/delete`; 50 people altogether."""

    external_ids: Many[Text] = Field(default_factory=list)
    user_aliases: Many[Alias] = Field(default_factory=list)
    profile_ids: Many[Text] = Field(default_factory=list)
    braze_ids: Many[Text] = Field(default_factory=list)
    email_addresses: Many[EmailMeant] = Field(default_factory=list)
    phone_numbers: Many[PhoneMeant] = Field(default_factory=list)


class ObjectError(BaseModel):
    """Why an object of the call was not done; the others were."""

    type: str = Field(description="Why, in words.")
    input_array: str
    index: int
    field: str = Field(description="What of the object is wrong.")


class Done(BaseModel):
    """What became of a call."""

    message: str = Field(default="success", description="success: what could be done, is done.")
    errors: list[ObjectError] = Field(default_factory=list)


class Processed(Done):
    """How many objects were done."""

    aliases_processed: int


class Identified(Processed):
    """How many objects were done, by their array."""

    emails_processed: int


class Deleted(Done):
    """How many people there were, and are no more."""

    deleted: int


@dataclass(slots=True)
class Naming:
    """Whom the objects of a call name, and what is wrong with some of them."""

    db: Db
    workspace: WorkspaceId
    errors: list[ObjectError] = field(default_factory=list)

    def refuse(self, array: str, index: int, place: str, why: str) -> None:
        """An object is not done."""
        told = ObjectError(type=why, input_array=array, index=index, field=place)
        self.errors.append(told)

    def numbers(
        self, array: str, given: Sequence[Identity | None], within: str = ""
    ) -> list[int | None]:
        """The profile number of each; None, and an error, where there is none. Few queries for all.

        `within` is the field of the objects in which the identities stand.
        """
        read = [
            None if one is None else self._attempt(array, at, within, partial(who_of, one))
            for at, one in enumerate(given)
        ]
        asked = [who for who in read if who]
        exact = [who for who in asked if who.kind not in _MANY]
        known = identities.resolve(self.db, self.workspace, exact)
        several = namesakes.read(self.db, self.workspace, asked)
        return [
            self._attempt(array, at, within, partial(_meant, who, one, known, several))
            if who and one
            else None
            for at, (who, one) in enumerate(zip(read, given, strict=True))
        ]

    def aliases(self, array: str, given: Sequence[Alias]) -> list[aliases.Alias | None]:
        """The label and name of each; None, and an error, where it can be none."""
        read = partial(self._attempt, array)
        found = [
            read(at, "", partial(who_of, Identity(user_alias=one))) for at, one in enumerate(given)
        ]
        return [who and who.key for who in found]

    def external_ids(self, array: str, given: Sequence[str]) -> list[str | None]:
        """Each, where it can be one; else None and an error."""
        read = partial(self._attempt, array)
        found = [
            read(at, "", partial(who_of, Identity(external_id=one))) for at, one in enumerate(given)
        ]
        return [who and who.key for who in found]

    def _attempt(self, array: str, index: int, within: str, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except Unfit as error:
            place = f"{within}.{error.field}" if within else error.field
            self.refuse(array, index, place, error.reason)
            return None


def _meant(
    who: Who, one: Identity, known: Mapping[Who, int], several: Mapping[Who, list[Namesake]]
) -> int:
    """Raises Unfit when nobody is, or several are."""
    if who.kind not in _MANY:
        found = known.get(who)
    elif one.prioritization is None:
        raise Unfit("prioritization", f"is missing: several may have the {who.kind.value}")
    else:
        found = choose(several.get(who, []), one.prioritization)
    if found is None:
        raise Unfit(who.kind.value, "is nobody's")
    return found


def who_of(one: Identity) -> Who:
    """Whom exactly one identifier names. Raises Unfit."""
    given = {
        name: value
        for name in ("external_id", "profile_id", "braze_id")
        if (value := getattr(one, name)) is not None
    }
    alias = one.user_alias
    if one.email is not None and (one.phone is not None or given or alias):
        raise Unfit("email", "stands beside another identifier: give one only")
    if one.phone is not None and (given or alias):
        raise Unfit("phone", "stands beside another identifier: give one only")
    named = whose.UserAlias(alias.alias_label, alias.alias_name) if alias else UNSET
    return whose.whose(Named(user_alias=named, **given), one.email, one.phone)


def check_count(count: int) -> None:
    """At least one object and at most USERS_PER_CALL_MAX. Raises InputError."""
    if not 1 <= count <= USERS_PER_CALL_MAX:
        raise InputError(
            f"The call names {count} people; 1 to {USERS_PER_CALL_MAX} are taken.",
            remedy="Send them in several calls." if count else "Name somebody.",
            field="body",
        )
