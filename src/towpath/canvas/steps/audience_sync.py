"""Audience Sync: people who come here are added to a partner's audience, or removed from it.

The launch findings are the document's (audience-sync-tiktok.pt.md, "Por que meu canva não pode ser
iniciado?"): a connection, an ad account, an audience's name, the fields to match. Ours are added:
what is known to fail, or to be worth nothing, is said before anybody enters.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

from towpath.canvas.fields import Fields
from towpath.canvas.findings import Finding, Level
from towpath.canvas.step import Step, written
from towpath.canvas.surroundings import AudienceView, PartnerView, Surroundings
from towpath.errors import InputError
from towpath.ids import AudienceId, PartnerRef, StepId
from towpath.limits import AUDIENCE_PEOPLE_USEFUL, FILE_PEOPLE_MIN
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
        """Connection, ad account, audience and fields, each on its own; then warnings."""
        view = around.partners.get(self.partner or "")
        found = [
            *self._at_the_partner(around, view),
            *self._at_the_audience(steps, view),
            *self._at_the_fields(around),
        ]
        noted = self._noted(around.people_expected.get(step), view)
        return [
            *(Finding(code, Level.ERROR, step, *rest) for code, *rest in found),
            *(Finding(code, Level.WARNING, step, *rest) for code, *rest in noted),
        ]

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
        elif self.ad_account in view.unaccepted:
            message = f"Nobody has accepted the terms and policies of {self.partner}."
            hint = "Read them, and accept them on the connection."
            yield ("terms_not_accepted", "partner", message, hint)
        if self.ad_account is None:
            hint = "Write ad_account: with its id, quoted."
            yield ("ad_account_missing", "ad_account", "No ad account is chosen.", hint)
        elif view and self.ad_account not in view.ad_accounts:
            message = "The connection does not have this ad account."
            hint = nearest(self.ad_account, sorted(view.ad_accounts))
            yield ("ad_account_unknown", "ad_account", message, hint)
        elif view and view.ready and self.ad_account in view.refused:
            message, hint = view.refused[self.ad_account]
            yield ("ad_account_refused", "ad_account", message, hint)

    def _at_the_audience(self, steps: Mapping[StepId, Step], view: PartnerView | None) -> "Found":
        if self.audience is None:
            hint = "Write audience: {create: NAME}."
            yield ("audience_missing", "audience", "No audience is named.", hint)
        elif view and isinstance(self.audience, NewAudience):
            yield from self._at_the_name(self.audience.name, steps, view)
        elif view and self.ad_account is not None and isinstance(self.audience, ExistingAudience):
            place = (self.ad_account, self.audience.ref)
            if place not in view.audience_refs:
                message = "The ad account has no audience of this id."
                hint = "Choose one that it has, or create one."
                yield ("audience_unknown", "audience.id", message, hint)
            elif place in view.listed and view.listed[place].unusable:
                hint = "Choose another, or write {create: NAME}: that makes one that takes syncs."
                yield ("audience_unusable", "audience.id", view.listed[place].unusable, hint)

    def _at_the_name(self, name: str, steps: Mapping[StepId, Step], view: PartnerView) -> "Found":
        most, where = view.audience_name_chars_max, "audience.create"
        if len(name) > most:
            message = f"The name has {len(name)} characters; {self.partner} cuts it at {most}."
            yield ("audience_name_long", where, message, "Shorten it.")
        if self.ad_account is None:
            return
        if (self.ad_account, name) in view.audience_names:
            return
        if self.action is Action.REMOVE and not self._added_to(steps):
            message = "Nobody is ever added to this audience: it does not exist yet."
            hint = "Let another step add to it, or name an existing one."
            yield ("audience_not_created", where, message, hint)
        if (owned := view.owned.get(self.ad_account, 0)) >= view.audiences_max:
            message = f"The ad account has {owned} audiences; {self.partner} allows no more."
            hint = "Delete one (`towpath audience unused` shows some), or use an existing one."
            yield ("audiences_full", where, message, hint)

    def _at_the_fields(self, around: Surroundings) -> "Found":
        if not self.fields:
            yield ("fields_missing", "fields", "No field to match is chosen.", "Choose email.")
        for one in self.fields:
            if one not in around.fields_allowed:
                message = f"The workspace does not let {one} leave."
                allowed = ", ".join(around.fields_allowed) or "none"
                hint = f"Take it out; allowed: {allowed}. An admin changes that in the workspace."
                yield ("field_forbidden", f"fields.{one}", message, hint)

    def _noted(self, expected: int | None, view: PartnerView | None) -> "Found":
        """Nothing that keeps it from launching."""
        known = [] if view is None or self.ad_account is None else self._meant(view)
        if view is not None and self.ad_account in view.by_files:
            message = (
                f"{self.partner} has not allowlisted the app for streaming: files fill new"
                f" audiences, about once an hour, from {FILE_PEOPLE_MIN:,} people on."
            )
            yield (
                "not_near_real_time",
                "audience",
                message,
                "`towpath transport list` tells more.",
            )
        if len(known) > 1:
            ids = ", ".join(ref for ref, _ in known)
            message = f"{len(known)} audiences have this name: {ids}."
            hint = 'Write {id: "..."} to say which one is meant.'
            yield ("audience_name_twice", "audience.create", message, hint)
        for _, one in known[:1]:
            if one.expires is not None:
                message = f"This audience expires on {one.expires:%Y-%m-%d} unless it is used."
                hint = "Whoever is added keeps it; an expired one can only be deleted."
                yield ("audience_expiring", "audience", message, hint)
        there = known[0][1].people if known else 0
        if expected is not None and expected + there < AUDIENCE_PEOPLE_USEFUL:
            message = (
                f"About {expected:,} people can be added here, to {there:,} who are there: an"
                f" audience serves ads from about {AUDIENCE_PEOPLE_USEFUL:,} matched people on."
            )
            yield ("audience_small", "audience", message, "Let more people in, or more fields.")

    def _meant(self, view: PartnerView) -> list[tuple[str, AudienceView]]:
        """The usable audiences that exist under what the step names."""
        assert self.ad_account is not None
        if isinstance(self.audience, NewAudience):
            return view.named(self.ad_account, self.audience.name)
        if isinstance(self.audience, ExistingAudience):
            one = view.listed.get((self.ad_account, self.audience.ref))
            return [(self.audience.ref, one)] if one is not None and not one.unusable else []
        return []

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
