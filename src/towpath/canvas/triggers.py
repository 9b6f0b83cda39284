"""Triggers: what people do, or what changes about them, that lets them into a Canvas or out of it.

    on:
      - {event: order_placed, where: {attribute: total, above: 100}}
      - {purchase: any}
      - {attribute: plan, to: gold}
      - {consent: granted}
      - {segment: Big spenders}

`where` is the filter language over the properties of the event (of a purchase `amount`, `currency`
and `quantity` too). A change of an attribute or of consent is an event as well, whose properties
are `value` and `was`.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from towpath.canvas.fields import Fields
from towpath.canvas.step import written
from towpath.errors import InputError
from towpath.limits import ATTRIBUTE_NAME_CHARS_MAX, ATTRIBUTE_TEXT_CHARS_MAX, TRIGGERS_MAX
from towpath.people.consent import ConsentState
from towpath.people.filter import AllOf, Attribute, Filter, Op, to_data
from towpath.people.filter_parse import one_of, parse_properties

ANY = ""
"""The name of a trigger that takes any product: no product is named so."""
CONSENT = "consent"
_FORMS = ("event", "purchase", "attribute", "consent", "segment")
_CONSENTS = (*(state.name.lower() for state in ConsentState), "any")


class Kind(IntEnum):
    """What happens; the first three are as in the database (event_name.kind)."""

    EVENT = 0
    PURCHASE = 1
    CHANGE = 2
    SEGMENT = 3


@dataclass(frozen=True, slots=True)
class Trigger:
    """`name` is an event's, a product's (ANY: all), an attribute's ("consent") or a segment's.

    `to` is what an attribute or the consent must have become (None: anything); `where` what the
    properties must be.
    """

    kind: Kind
    name: str
    where: Filter | None = None
    to: str | int | float | bool | None = None

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read one trigger. Raises InputError."""
        fields = Fields(data, where, (*_FORMS, "where", "to"))
        forms = [form for form in _FORMS if fields.raw(form) is not None]
        if len(forms) != 1:
            raise InputError(
                f"a trigger is exactly one of {', '.join(_FORMS)}.",
                remedy="Write {event: order_placed}.",
                field=where,
            )
        form = forms[0]
        for key, right in (("to", {"attribute"}), ("where", {"event", "purchase"})):
            if fields.raw(key) is not None and form not in right:
                raise InputError(f"{key} does not go with {form}.", field=fields.path(key))
        tree, path = fields.raw("where"), fields.path("where")
        rule = None if tree is None else parse_properties(tree, path)
        if form == "consent":
            word = one_of(fields.raw(form), _CONSENTS, fields.path(form))
            return cls(Kind.CHANGE, CONSENT, to=None if word == "any" else word)
        name = _name(fields.raw(form), fields.path(form))
        if form == "attribute":
            if name == CONSENT:
                raise InputError(
                    "consent is no attribute.",
                    remedy="Write consent: any.",
                    field=fields.path(form),
                )
            return cls(Kind.CHANGE, name, to=_value(fields.raw("to"), fields.path("to")))
        if form == "segment":
            return cls(Kind.SEGMENT, name)
        if form == "purchase":
            return cls(Kind.PURCHASE, ANY if name == "any" else name, rule)
        return cls(Kind.EVENT, name, rule)

    def to_data(self) -> dict[str, Any]:
        """The trigger as it is written."""
        rule = None if self.where is None else to_data(self.where)
        match self.kind:
            case Kind.EVENT:
                return written(event=self.name, where=rule)
            case Kind.PURCHASE:
                return written(purchase=self.name or "any", where=rule)
            case Kind.SEGMENT:
                return {"segment": self.name}
        if self.name == CONSENT:
            return {"consent": self.to or "any"}
        return written(attribute=self.name, to=self.to)

    @property
    def rule(self) -> Filter | None:
        """What the properties of the event must match, `to` included."""
        if self.to is None:
            return self.where
        became = Attribute("value", Op.IS, self.to)
        return became if self.where is None else AllOf((became, self.where))


def parse_triggers(data: object, where: str) -> tuple[Trigger, ...]:
    """Read a list of 1 to TRIGGERS_MAX triggers. Raises InputError."""
    if not isinstance(data, list) or not 1 <= len(data) <= TRIGGERS_MAX:
        raise InputError(
            f"a list of 1 to {TRIGGERS_MAX} triggers is needed.",
            remedy="Write [{event: order_placed}].",
            field=where,
        )
    return tuple(Trigger.parse(one, f"{where}[{place}]") for place, one in enumerate(data))


def _name(data: object, where: str) -> str:
    if not isinstance(data, str) or not 1 <= len(data.strip()) <= ATTRIBUTE_NAME_CHARS_MAX:
        raise InputError(
            f"a name of 1 to {ATTRIBUTE_NAME_CHARS_MAX} characters is needed.", field=where
        )
    return data


def _value(data: object, where: str) -> str | int | float | bool | None:
    if isinstance(data, str) and len(data) > ATTRIBUTE_TEXT_CHARS_MAX:
        raise InputError(f"at most {ATTRIBUTE_TEXT_CHARS_MAX} characters.", field=where)
    if data is None or isinstance(data, str | int | float | bool):
        return data
    raise InputError("text, a number, true or false is needed.", field=where)
