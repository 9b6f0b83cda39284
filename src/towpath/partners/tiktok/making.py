"""Making an audience once, although TikTok has no idempotency key and allows equal names.

The name is looked up before the call, and again after an answer that is neither yes nor no: one
that was made although its answer was lost is found by its name. The bound on audiences is counted
before TikTok has to say it.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from towpath.errors import InputError
from towpath.ids import PartnerRef
from towpath.net.door import Door
from towpath.partners.protocol import (
    Answer,
    AnswerKind,
    Cause,
    Created,
    Listed,
    Lookalike,
    PartnerAudience,
    Placement,
)
from towpath.partners.tiktok import audience_pages, calls, replies
from towpath.partners.tiktok.audience_pages import LOOKALIKE
from towpath.partners.tiktok.limits import (
    AUDIENCES_PER_AD_ACCOUNT_MAX,
    ID_DIGITS_MAX,
    LOCATIONS_MAX,
    LOOKALIKE_SOURCE_PEOPLE_MIN,
)

PLACEMENTS = {
    Placement.TIKTOK: "TikTok",
    Placement.TOPBUZZ: "TopBuzz & BuzzVideo",
    Placement.PANGLE: "Pangle",
}


class Look(Protocol):
    """How the ad account's audiences are listed."""

    def __call__(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        deadline_s: float,
    ) -> Awaitable[Listed]: ...


@dataclass(frozen=True, slots=True)
class Ways:
    """The way to an ad account."""

    door: Door
    base_url: str
    token: str
    ad_account_ref: PartnerRef
    deadline_s: float
    lister: Look

    async def look(self) -> Listed:
        """What the ad account has."""
        return await self.lister(
            self.door,
            self.base_url,
            self.token,
            ad_account_ref=self.ad_account_ref,
            deadline_s=self.deadline_s,
        )


async def once(ways: Ways, path: str, asked: Mapping[str, Any], id_key: str, kind: str) -> Created:
    """POST `asked` to `path`, unless an audience of its name and `kind` exists: that is handed back
    as `existed`. `id_key`: where the answer holds the id. If nobody can say whether it was made,
    the answer stays unknown: call again later."""
    name = str(asked["custom_audience_name"])
    before = await ways.look()
    if not before.answer.applied:
        return Created(before.answer)
    if (there := newest(before, name, kind)) is not None:
        return Created(before.answer, there, existed=True)
    if (fault := refusal(before, asked)) is not None:
        return Created(Answer(AnswerKind.REFUSED, Cause.NONE, message=fault))
    url = calls.url(ways.base_url, path)
    reply = await calls.post_json(ways.door, url, ways.token, asked, ways.deadline_s)
    answer, envelope = replies.read(reply)
    if answer.kind is AnswerKind.REFUSED:
        return Created(answer, asked=True)
    if answer.applied:
        data = envelope.data if envelope is not None else None
        ref = audience_pages.ref(data.get(id_key) if isinstance(data, dict) else None)
        if ref is not None:
            fits = kind != LOOKALIKE
            return Created(answer, PartnerAudience(ref, name, kind=kind, fits=fits), asked=True)
        answer = misread(answer, f"created, but the answer holds no {id_key}", code=0)
    after = await ways.look()
    found = newest(after, name, kind) if after.answer.applied else None
    return Created(answer if found is None else after.answer, found, asked=True)


def lookalike_body(ad_account_ref: PartnerRef, name: str, wanted: Lookalike) -> dict[str, Any]:
    """The body that asks for it. Raises InputError naming the field."""
    places = wanted.locations
    numbers = all(one.isascii() and one.isdigit() and len(one) <= ID_DIGITS_MAX for one in places)
    if not 0 < len(places) <= LOCATIONS_MAX or not numbers:
        raise InputError(
            f"A lookalike needs 1 to {LOCATIONS_MAX} locations, by TikTok's numbers of them.",
            remedy="Ads Manager and TikTok's page of location ids have them.",
            field="locations",
        )
    if not wanted.placements:
        raise InputError(
            "No placement is chosen.",
            remedy=f"Possible: {', '.join(Placement)}.",
            field="placements",
        )
    return {
        "advertiser_id": ad_account_ref,
        "custom_audience_name": name,
        "lookalike_spec": {
            "source_audience_id": wanted.source,
            "include_source": wanted.include_source,
            "mobile_os": wanted.system.value.upper(),
            "placements": [PLACEMENTS[one] for one in dict.fromkeys(wanted.placements)],
            "location_ids": list(dict.fromkeys(places)),
            "audience_size": wanted.size.value.upper(),
        },
    }


def misread(answer: Answer, message: str, code: int | None = None) -> Answer:
    """TikTok did not answer as it documents: nobody knows what became of it."""
    said = answer.code if code is None else code
    return Answer(AnswerKind.UNKNOWN, Cause.CONTRACT, said, message, answer.partner_request_ref)


def refusal(listed: Listed, asked: Mapping[str, Any]) -> str | None:
    """What TikTok would refuse, by what it listed a moment ago."""
    if listed.owned >= AUDIENCES_PER_AD_ACCOUNT_MAX:
        return f"At most {AUDIENCES_PER_AD_ACCOUNT_MAX} audiences in an ad account"
    spec = asked.get("lookalike_spec")
    if spec is None:
        return None
    every = (*listed.audiences, *listed.others)
    source = next((one for one in every if one.partner_ref == spec["source_audience_id"]), None)
    if source is None:
        return "The ad account has no such source audience"
    if source.kind == LOOKALIKE:
        return "A lookalike cannot be made of a lookalike"
    if source.people is None or source.people < LOOKALIKE_SOURCE_PEOPLE_MIN:
        return (
            f"The source has {source.people or 0:,} matched people;"
            f" a lookalike needs {LOOKALIKE_SOURCE_PEOPLE_MIN}"
        )
    return None


def newest(listed: Listed, name: str, kind: str) -> PartnerAudience | None:
    """The audience of that name; of several the one made last: TikTok's ids rise with time."""
    among = listed.others if kind == LOOKALIKE else listed.audiences
    named = [one for one in among if (one.name, one.kind) == (name, kind)]
    return max(named, key=lambda one: int(one.partner_ref), default=None)
