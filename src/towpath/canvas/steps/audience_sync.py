"""Audience Sync: people who come here are added to a partner's audience, or removed from it.

The launch findings are the document's (audience-sync-tiktok.pt.md, "Por que meu canva não pode ser
iniciado?"): a connection, an ad account, an audience's name, the fields to match.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

from towpath.canvas.fields import Fields
from towpath.canvas.findings import Finding, Level
from towpath.canvas.step import Step, written
from towpath.canvas.surroundings import PartnerView, Surroundings
from towpath.errors import InputError
from towpath.ids import AudienceId, PartnerRef, StepId
from towpath.people.action import Action
from towpath.people.filter_parse import nearest, one_of
from towpath.people.match_field import ALL_FIELDS, MatchField, fields_of, mask


@dataclass(frozen=True, slots=True)
class NewAudience:
    """An audience that Towpath creates once, when the step is saved; others may name it too."""

    name: str


@dataclass(frozen=True, slots=True)
class ExistingAudience:
    """An audience by the partner's id."""

    ref: PartnerRef


AudienceChoice: TypeAlias = NewAudience | ExistingAudience


@dataclass(frozen=True, slots=True)
class AudienceSync:
    """`fields` are the match fields to send, in their fixed order; `audience_id` is our own id of
    the audience, known once the Canvas is launched (canvas/frozen.py)."""

    kind: ClassVar[str] = "audience_sync"
    partner: str | None
    ad_account: PartnerRef | None
    audience: AudienceChoice | None
    action: Action
    fields: tuple[MatchField, ...]
    next: StepId | None
    audience_id: AudienceId | None = None

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read the settings; without `action`, people are added."""
        known = ("kind", "partner", "ad_account", "audience", "action", "fields", "next")
        fields = Fields(data, where, known)
        action = fields.word("action", (action.name.lower() for action in Action))
        return cls(
            fields.text("partner"),
            fields.ref("ad_account"),
            _audience(fields.raw("audience"), fields.path("audience")),
            Action.ADD if action is None else Action[action.upper()],
            _match_fields(fields.raw("fields"), fields.path("fields")),
            fields.step("next"),
        )

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written."""
        audience = None
        if isinstance(self.audience, NewAudience):
            audience = {"create": self.audience.name}
        elif isinstance(self.audience, ExistingAudience):
            audience = {"id": self.audience.ref}
        return written(
            partner=self.partner,
            ad_account=self.ad_account,
            audience=audience,
            action=self.action.name.lower(),
            fields=[field.value for field in self.fields] or None,
            next=self.next,
        )

    def edges(self) -> dict[str, StepId | None]:
        """Everybody goes on, synced or not."""
        return {"next": self.next}

    def findings(
        self, step: StepId, steps: Mapping[StepId, Step], around: Surroundings
    ) -> list[Finding]:
        """Connection, ad account, audience and fields, each on its own."""
        view = around.partners.get(self.partner or "")
        found = [
            *self._at_the_partner(around, view),
            *self._at_the_audience(steps, view),
        ]
        if not self.fields:
            found.append(
                ("fields_missing", "fields", "No field to match is chosen.", "Choose email.")
            )
        return [Finding(code, Level.ERROR, step, *rest) for code, *rest in found]

    def _at_the_partner(self, around: Surroundings, view: PartnerView | None) -> "Found":
        partners = around.partners
        if self.partner is None:
            yield ("partner_missing", "partner", "No partner is chosen.", nearest("", partners))
        elif self.partner not in partners:
            hint = nearest(self.partner, partners)
            yield ("partner_unknown", "partner", "There is no such partner.", hint)
        elif view is None:
            hint = f"Connect {self.partner} first."
            yield ("not_connected", "partner", f"{self.partner} is not connected.", hint)
        elif not view.ready:
            message = f"The connection to {self.partner} is broken."
            yield ("connection_broken", "partner", message, "Connect again.")
        if self.ad_account is None:
            hint = "Write ad_account: with its id, quoted."
            yield ("ad_account_missing", "ad_account", "No ad account is chosen.", hint)
        elif view and self.ad_account not in view.ad_accounts:
            message = "The connection does not have this ad account."
            hint = nearest(self.ad_account, sorted(view.ad_accounts))
            yield ("ad_account_unknown", "ad_account", message, hint)

    def _at_the_audience(self, steps: Mapping[StepId, Step], view: PartnerView | None) -> "Found":
        if self.audience is None:
            hint = "Write audience: {create: NAME}."
            yield ("audience_missing", "audience", "No audience is named.", hint)
        elif view and isinstance(self.audience, NewAudience):
            name, most = self.audience.name, view.audience_name_chars_max
            if len(name) > most:
                message = f"The name has {len(name)} characters; {self.partner} cuts it at {most}."
                yield ("audience_name_long", "audience.create", message, "Shorten it.")
            known = self.ad_account is None or (self.ad_account, name) in view.audience_names
            if self.action is Action.REMOVE and not known and not self._added_to(steps):
                message = "Nobody is ever added to this audience: it does not exist yet."
                hint = "Let another step add to it, or name an existing one."
                yield ("audience_not_created", "audience.create", message, hint)
        elif (
            view
            and self.ad_account is not None
            and isinstance(self.audience, ExistingAudience)
            and (self.ad_account, self.audience.ref) not in view.audience_refs
        ):
            message = "The ad account has no audience of this id."
            hint = "Choose one that it has, or create one."
            yield ("audience_unknown", "audience.id", message, hint)

    def _added_to(self, steps: Mapping[StepId, Step]) -> bool:
        """Whether another step of the Canvas creates the audience by adding to it."""
        mine = (self.partner, self.ad_account, self.audience)
        return any(
            isinstance(other, AudienceSync)
            and other.action is Action.ADD
            and (other.partner, other.ad_account, other.audience) == mine
            for other in steps.values()
        )


Found: TypeAlias = Iterator[tuple[str, str, str, str]]


def _audience(data: object, where: str) -> AudienceChoice | None:
    if data is None:
        return None
    fields = Fields(data, where, ("create", "id"))
    name, ref = fields.text("create"), fields.ref("id")
    if name is not None and ref is not None:
        raise InputError("create and id stand together.", remedy="Keep one.", field=where)
    if name is not None:
        return NewAudience(name)
    return None if ref is None else ExistingAudience(ref)


def _match_fields(data: object, where: str) -> tuple[MatchField, ...]:
    if data is None:
        return ()
    if not isinstance(data, list):
        raise InputError("a list is needed.", remedy="Write fields: [email].", field=where)
    found = [
        MatchField(one_of(one, ALL_FIELDS, f"{where}[{place}]")) for place, one in enumerate(data)
    ]
    if len(set(found)) < len(found):
        raise InputError("a field stands here twice.", field=where)
    return fields_of(mask(found))
