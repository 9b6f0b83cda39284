"""User Update: everybody who comes here gets their profile changed, then goes on.

Attributes are set, counted up or down, put into lists or taken out, or unset; of a person's own
columns country, language, names and time zone may be set, and these and the birth date unset.
Identifiers and consent are no step's to give: everybody in the wave would get the same.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Self

from towpath.canvas.fields import Fields, shown
from towpath.canvas.findings import Finding, Level
from towpath.canvas.step import Step, written
from towpath.canvas.surroundings import Surroundings
from towpath.errors import InputError
from towpath.ids import StepId
from towpath.limits import (
    ARRAY_MAX,
    ATTRIBUTE_NAME_CHARS_MAX,
    ATTRIBUTE_TEXT_CHARS_MAX,
    JSON_DEPTH_MAX,
    USER_UPDATE_CHARS_MAX,
)
from towpath.people import profile
from towpath.people.attributes import AttributeValue
from towpath.people.columns import Refusal
from towpath.people.json_text import too_large

COLUMNS: Mapping[str, Callable[[str], str | Refusal]] = {
    "country": profile.read_country,
    "language": profile.read_language,
    "first_name": profile.read_name,
    "last_name": profile.read_name,
    "time_zone": profile.read_time_zone,
}
"""A person's own columns that may be set, with their readers."""
UNSET_ONLY = frozenset({"birth_date"})

_IDENTIFIER = "an identifier tells people apart; it comes by a file or the API"
_CONSENT = "consent is what a person says, not what a Canvas says"
_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        ("external_id", "user_alias", "profile_id", "braze_id", "number", "id", "email", "phone",
         "idfa", "gaid", "email_sha256", "phone_sha256", "idfa_sha256", "gaid_sha256"),
        _IDENTIFIER,
    ),
    **dict.fromkeys(("consent", "consent_source", "consent_at", "ad_tracking"), _CONSENT),
    **dict.fromkeys(("workspace", "workspace_id", "created_at", "updated_at", "attributes"),
                    "the server keeps it itself"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class UserUpdate:
    """What changes, by attribute name; a name stands in one of the five only. `values` is what the
    file calls `set`, `members` what it calls `add`, `strangers` what it calls `remove`."""

    kind: ClassVar[str] = "user_update"
    values: Mapping[str, AttributeValue] = field(default_factory=dict)
    increment: Mapping[str, AttributeValue] = field(default_factory=dict)
    members: Mapping[str, AttributeValue] = field(default_factory=dict)
    strangers: Mapping[str, AttributeValue] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    next: StepId | None = None

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read `set`, `increment`, `add`, `remove`, `unset` and `next`."""
        names = ("set", "increment", "add", "remove", "unset")
        fields = Fields(data, where, ("kind", *names, "next"))
        blocks = {name: _block(fields, name) for name in names[:-1]}
        unset = _unset(fields)
        seen: dict[str, str] = {}
        for block, named in (*blocks.items(), ("unset", unset)):
            for name in named:
                if (first := seen.setdefault(name, block)) != block:
                    raise InputError(
                        f"{shown(name)} stands in {first} already.",
                        remedy="Write each attribute once.",
                        field=fields.path(f"{block}.{shown(name)}"),
                    )
        if len(json.dumps([*blocks.values()], default=str)) > USER_UPDATE_CHARS_MAX:
            raise InputError(
                f"the changes are longer than {USER_UPDATE_CHARS_MAX:,} characters.", field=where
            )
        return cls(
            values=blocks["set"],
            increment=blocks["increment"],
            members=blocks["add"],
            strangers=blocks["remove"],
            unset=unset,
            next=fields.step("next"),
        )

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written."""
        return written(
            set_=dict(self.values) or None,
            increment=dict(self.increment) or None,
            add=dict(self.members) or None,
            remove=dict(self.strangers) or None,
            unset=list(self.unset) or None,
            next=self.next,
        )

    def edges(self) -> dict[str, StepId | None]:
        """One way on."""
        return {"next": self.next}

    def findings(
        self,
        step: StepId,
        steps: Mapping[StepId, Step],  # noqa: ARG002 - one protocol for all
        around: Surroundings,  # noqa: ARG002
    ) -> list[Finding]:
        """Something must change."""
        if self.values or self.increment or self.members or self.strangers or self.unset:
            return []
        hint = "Write set: {vip: true}."
        return [
            Finding(
                "update_missing", Level.ERROR, step, "set", "It is not said what changes.", hint
            )
        ]


def _block(fields: Fields, name: str) -> dict[str, AttributeValue]:
    found = fields.raw(name)
    where = fields.path(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise InputError(
            "a mapping is needed.", remedy=f"Write {name}: {{NAME: VALUE}}.", field=where
        )
    for key in found:
        _check_name(key, where)
    return {key: _READ[name](key, value, f"{where}.{shown(key)}") for key, value in found.items()}


def _unset(fields: Fields) -> tuple[str, ...]:
    found, where = fields.raw("unset"), fields.path("unset")
    if found is None:
        return ()
    if not isinstance(found, list):
        raise InputError("a list of names is needed.", remedy="Write [NAME].", field=where)
    for name in found:
        _check_name(name, where)
    return tuple(dict.fromkeys(found))


def _check_name(name: object, where: str) -> None:
    long = isinstance(name, str) and not 1 <= len(name) <= ATTRIBUTE_NAME_CHARS_MAX
    if not isinstance(name, str) or long or not name.isprintable():
        raise InputError(
            f"a name has 1 to {ATTRIBUTE_NAME_CHARS_MAX} characters that can be shown.", field=where
        )
    if name.lower() != name and (name.lower() in COLUMNS or name.lower() in UNSET_ONLY):
        raise InputError(f"{name} is written {name.lower()}.", field=f"{where}.{name}")
    if (why := _REFUSED.get(name.lower())) is not None:
        raise InputError(f"{name} cannot be changed here: {why}.", field=f"{where}.{name}")


def _set(name: str, value: object, where: str) -> AttributeValue:
    if name in UNSET_ONLY:
        raise InputError(f"{name} would be the same for everybody.", field=where)
    if name not in COLUMNS:
        return _value(value, where, 1)
    found = COLUMNS[name](value) if isinstance(value, str) else Refusal("must be a text")
    if isinstance(found, Refusal):
        raise InputError(f"{name} {found.reason}.", field=where)
    return found


def _number(name: str, value: object, where: str) -> AttributeValue:
    _check_free(name, where)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InputError("a number is needed.", remedy="Write 1, or -1.", field=where)
    return _value(value, where, 1)


def _list(name: str, value: object, where: str) -> AttributeValue:
    _check_free(name, where)
    if not isinstance(value, list) or not value:
        raise InputError("a list of members is needed.", remedy='Write ["blue"].', field=where)
    found = [_value(one, where, 2) for one in value[: ARRAY_MAX + 1]]
    once = {json.dumps(one, default=str, sort_keys=True): one for one in found}
    return _value(list(once.values()), where, 1)


_READ: Mapping[str, Callable[[str, object, str], AttributeValue]] = {
    "set": _set, "increment": _number, "add": _list, "remove": _list
}  # fmt: skip


def _check_free(name: str, where: str) -> None:
    if name in COLUMNS or name in UNSET_ONLY:
        raise InputError(f"{name} is a text of the profile: it can only be set.", field=where)


def _value(value: object, where: str, depth: int) -> AttributeValue:
    """What JSON can say and PostgreSQL can keep."""
    if depth > JSON_DEPTH_MAX:
        raise InputError("is nested too deeply.", field=where)
    match value:
        case None:
            raise InputError("nothing is no value.", remedy="Name it in unset.", field=where)
        case bool():
            return value
        case int() | float() | Decimal() if math.isfinite(value) and not too_large(value):
            return value
        case str() if len(value) <= ATTRIBUTE_TEXT_CHARS_MAX and _storable(value):
            return value
        case list() if len(value) <= ARRAY_MAX:
            return [_value(one, where, depth + 1) for one in value]
        case dict() if all(isinstance(key, str) and _storable(key) for key in value):
            return {key: _value(one, where, depth + 1) for key, one in value.items()}
    raise InputError(
        "this is no value that can be kept.",
        remedy=f"Take a text of at most {ATTRIBUTE_TEXT_CHARS_MAX:,} characters, a number, true or "
        f"false, a list of at most {ARRAY_MAX} or a mapping; quote dates.",
        field=where,
    )


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
