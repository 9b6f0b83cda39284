"""Whom an object of the API means: exactly one identifier, or else an e-mail or a phone."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from towpath.limits import PROFILE_NUMBER_MAX
from towpath.people import normalise
from towpath.people.columns import Refusal
from towpath.people.profile import Identifier, read_external_id

_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")
_GOT = re.compile(r"^Expected `([^`]+)`.*?(?: - at `\$\.?(.*)`)?$")
_MISSING = re.compile(r"^Object missing required field `([^`]+)`(?: - at `\$\.?(.*)`)?$")
_UNKNOWN = re.compile(r"^Object contains unknown field `(.+?)`(?: - at `\$\.?(.*)`)?$")
_KINDS = {
    "str": "a string", "int": "a whole number", "bool": "true or false", "object": "an object",
    "array": "an array", "decimal": "a number", "int | str": "a time as a string",
}  # fmt: skip


class Unfit(Exception):  # noqa: N818 - a refusal on its way to the answer, no error of ours
    """Why an object is not taken: `reason` goes on from the field's name, without the value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


class WhoKind(StrEnum):
    """By what a person is named."""

    EXTERNAL_ID = "external_id"
    ALIAS = "user_alias"
    PROFILE = "profile_id"
    EMAIL = "email"
    PHONE = "phone"


class Who(NamedTuple):
    """A person as named: text, a (label, name), a profile number, or an `Identifier`."""

    kind: WhoKind
    key: Any


class UserAlias(msgspec.Struct, forbid_unknown_fields=True):
    """A label and a name under it, both case-sensitive."""

    alias_label: str
    alias_name: str


class Named(msgspec.Struct):
    """The identifiers of an object, as they come; `profile_id` is Braze's `braze_id`."""

    external_id: str | UnsetType = UNSET
    user_alias: UserAlias | UnsetType = UNSET
    profile_id: str | UnsetType = UNSET
    braze_id: str | UnsetType = UNSET
    update_existing_only: bool = msgspec.field(default=False, name="_update_existing_only")
    merge_objects: bool = msgspec.field(default=False, name="_merge_objects")


def whose(named: Named, email: str | None, phone: str | None) -> Who:
    """Whom it means. Raises Unfit when no identifier is given, several are, or it is a bad one.

    E-mail and phone (with its country code) count when nothing else is given; the e-mail first.
    """
    if (
        named.external_id is not UNSET
        and named.user_alias is named.profile_id is named.braze_id is UNSET
    ):
        return Who(WhoKind.EXTERNAL_ID, _name(named.external_id, "external_id"))
    given: dict[str, Any] = {
        name: value
        for name, value in (
            ("external_id", named.external_id),
            ("user_alias", named.user_alias),
            ("profile_id", named.profile_id),
            ("braze_id", named.braze_id),
        )
        if value is not UNSET
    }
    if len(given) > 1:
        raise Unfit(list(given)[1], f"stands beside {next(iter(given))}: give one identifier only")
    if "user_alias" in given:
        alias: UserAlias = given["user_alias"]
        label = _name(alias.alias_label, "user_alias.alias_label")
        return Who(WhoKind.ALIAS, (label, _name(alias.alias_name, "user_alias.alias_name")))
    if given:
        return _by_profile(given)
    if email is not None:
        return Who(WhoKind.EMAIL, identifier("email", normalise.email(email)))
    if phone is not None:
        return Who(WhoKind.PHONE, identifier("phone", normalise.phone(phone)))
    raise Unfit(
        "external_id",
        "is missing, and so are user_alias, profile_id, email and phone: whose is it?",
    )


def identifier(field: str, found: normalise.Normalised | Refusal) -> Identifier:
    """An e-mail or phone that the rules took. Raises Unfit."""
    return Identifier(*fit(field, found))


def fit(field: str, found: Any) -> Any:
    """What a reader found. Raises Unfit when it refused."""
    if isinstance(found, Refusal):
        raise Unfit(field, found.reason)
    return found


def unfit(error: msgspec.ValidationError, within: str = "") -> Unfit:
    """A complaint of msgspec in our own words."""
    told = str(error)
    if missing := _MISSING.match(told):
        return Unfit(_path(within, missing[2], missing[1]), "is missing")
    if unknown := _UNKNOWN.match(told):
        return Unfit(_path(within, unknown[2], unknown[1][:100]), "is unknown here")
    if got := _GOT.match(told):
        kinds = got[1].removesuffix(" | null")
        return Unfit(_path(within, got[2]), f"must be {_KINDS.get(kinds, kinds)}")
    return Unfit(_path(within), "cannot be read")


def _path(*parts: str | None) -> str:
    return ".".join(part for part in parts if part)


def _by_profile(given: Mapping[str, str]) -> Who:
    ((field, text),) = given.items()
    if not _NUMBER.fullmatch(text) or int(text) > PROFILE_NUMBER_MAX:
        raise Unfit(field, "is no profile id")
    return Who(WhoKind.PROFILE, int(text))


def _name(text: str, field: str) -> str:
    if not text:
        raise Unfit(field, "is empty")
    name: str = fit(field, read_external_id(text))
    return name
