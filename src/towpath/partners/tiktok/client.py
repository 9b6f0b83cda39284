"""TikTok as a partner: which call goes where, and what is read from its answer.

TikTok has no idempotency key: an audience is made once by looking its name up before and after.
"""

from collections.abc import Sequence
from functools import partial

from towpath.errors import InputError
from towpath.ids import PartnerRef
from towpath.net.door import Door
from towpath.partners.protocol import (
    Answer,
    AnswerKind,
    Cause,
    Created,
    Listed,
    PartnerAudience,
)
from towpath.partners.tiktok import audience_pages, authorise, calls, payload, replies
from towpath.partners.tiktok.limits import AUDIENCE_NAME_CHARS_MAX, PAGE_SIZE, PAGES_MAX
from towpath.people.action import Action
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import MatchField


class TikTok:
    """The streaming transport: people reach an audience through POST segment/mapping."""

    name = "tiktok"
    consent_url = staticmethod(authorise.consent_url)
    exchange = staticmethod(authorise.exchange)
    list_ad_accounts = staticmethod(authorise.list_ad_accounts)

    def body(
        self,
        action: Action,
        audience_ref: PartnerRef,
        ad_account_ref: PartnerRef,
        fields: Sequence[MatchField],
        groups: Sequence[KeyGroup],
    ) -> bytes:
        """See `payload.body`."""
        return payload.body(action, audience_ref, ad_account_ref, fields, groups)

    async def send(
        self, door: Door, base_url: str, token: str, body: bytes, deadline_s: float
    ) -> Answer:
        """One mapping call (D 1739940585975809)."""
        url = calls.url(base_url, "segment/mapping")
        return replies.read_mapping(await calls.post(door, url, token, body, deadline_s))

    async def probe(self, door: Door, base_url: str, token: str, deadline_s: float) -> Answer:
        """GET user/info: the cheapest call that a dead token fails."""
        answer, _ = replies.read(
            await calls.get(door, calls.url(base_url, "user/info"), token, deadline_s)
        )
        return answer

    async def create_audience(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        name: str,
        deadline_s: float,
    ) -> Created:
        """POST segment/audience (D 1739940583739393), of which TikTok allows one a second for an ad
        account: the caller's pace. Raises InputError for a name that TikTok would change.

        TikTok allows equal names, so a lost answer could make two. The name is looked up first; one
        that exists is handed back as `existed`. After an answer that is neither yes nor no it is
        looked up again; if that finds nothing either, the answer stays unknown: call again later.
        """
        name = audience_name(name)
        look = partial(
            self.list_audiences,
            door,
            base_url,
            token,
            ad_account_ref=ad_account_ref,
            deadline_s=deadline_s,
        )
        before = await look()
        if not before.answer.applied:
            return Created(before.answer)
        if (there := _newest(before, name)) is not None:
            return Created(before.answer, there, existed=True)
        asked = {
            "advertiser_id": ad_account_ref,
            "action": "create",
            "custom_audience_name": name,
        }
        url = calls.url(base_url, "segment/audience")
        reply = await calls.post_json(door, url, token, asked, deadline_s)
        answer, envelope = replies.read(reply)
        if answer.kind is AnswerKind.REFUSED:
            return Created(answer)
        if answer.applied:
            data = envelope.data if envelope is not None else None
            ref = audience_pages.ref(data.get("audience_id") if isinstance(data, dict) else None)
            if ref is not None:
                return Created(answer, PartnerAudience(ref, name))
            message = "created, but the answer holds no audience_id"
            answer = Answer(
                AnswerKind.UNKNOWN, Cause.CONTRACT, 0, message, answer.partner_request_ref
            )
        after = await look()
        found = _newest(after, name) if after.answer.applied else None
        return Created(answer) if found is None else Created(after.answer, found)

    async def list_audiences(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        deadline_s: float,
    ) -> Listed:
        """GET dmp/custom_audience/list, page by page, at most PAGES_MAX, `deadline_s` each.

        Only audiences that can be filled: of type Partner and our own (is_creator); TikTok refuses
        mappings into any other (tiktok-api, section 0, point 7).
        """
        found: dict[PartnerRef, PartnerAudience] = {}
        seen: set[PartnerRef] = set()
        skipped = 0
        for page in range(1, PAGES_MAX + 1):
            query = {"advertiser_id": ad_account_ref, "page": page, "page_size": PAGE_SIZE}
            url = calls.url(base_url, "dmp/custom_audience/list", query)
            answer, envelope = replies.read(await calls.get(door, url, token, deadline_s))
            if not answer.applied or envelope is None:
                return Listed(answer, tuple(found.values()), skipped)
            entries = audience_pages.entries(envelope.data)
            if entries is None:
                return Listed(_misread(answer, "no list of audiences"), tuple(found.values()))
            refs = {entry.ref for entry in entries if entry.ref is not None}
            skipped += sum(entry.audience is None and entry.fillable for entry in entries)
            found |= {
                entry.audience.partner_ref: entry.audience
                for entry in entries
                if entry.audience is not None
            }
            if audience_pages.is_last(envelope.data, page, len(entries)):
                return Listed(answer, tuple(found.values()), skipped)
            if refs <= seen:
                return Listed(_misread(answer, "pages repeat"), tuple(found.values()), skipped)
            seen |= refs
        return Listed(_misread(answer, "too many pages"), tuple(found.values()), skipped)


def audience_name(name: str) -> str:
    """The name without outer space. Raises InputError when it is empty, or longer than TikTok
    keeps: it would be cut to 67 characters and "...", and two long names could become one."""
    name = name.strip()
    if not name or len(name) > AUDIENCE_NAME_CHARS_MAX or not name.isprintable():
        raise InputError(
            f"An audience's name has 1 to {AUDIENCE_NAME_CHARS_MAX} characters on one line; "
            f"this one has {len(name)}.",
            remedy="TikTok would change it. Choose another name.",
            field="name",
        )
    return name


def _newest(listed: Listed, name: str) -> PartnerAudience | None:
    """The audience of that name; of several the one made last: TikTok's ids rise with time."""
    named = [audience for audience in listed.audiences if audience.name == name]
    return max(named, key=lambda audience: int(audience.partner_ref), default=None)


def _misread(answer: Answer, message: str) -> Answer:
    return Answer(
        AnswerKind.UNKNOWN, Cause.CONTRACT, answer.code, message, answer.partner_request_ref
    )
