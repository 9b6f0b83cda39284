"""TikTok as a partner: which call goes where, and what is read from its answer."""

from collections.abc import Sequence
from dataclasses import replace

from towpath.errors import InputError
from towpath.ids import PartnerRef
from towpath.net.door import Door, HttpReply, NoAnswer
from towpath.partners.protocol import (
    NOTHING_TO_SEND,
    Answer,
    AnswerKind,
    Bodies,
    Cause,
    Created,
    Listed,
    Lookalike,
    Order,
    PartnerAudience,
)
from towpath.partners.tiktok import audience_pages, authorise, calls, making, payload, replies
from towpath.partners.tiktok.audience_pages import FILLABLE, LOOKALIKE
from towpath.partners.tiktok.limits import (
    AUDIENCE_NAME_CHARS_MAX,
    AUDIENCES_PER_AD_ACCOUNT_MAX,
    PAGE_SIZE,
    PAGES_MAX,
    PEOPLE_PER_REQUEST_MAX,
)
from towpath.partners.tiktok.making import misread
from towpath.people.key_group import KeyGroup

NOT_ALLOWLISTED = 40118
GONE = 40007
"""The object does not exist."""


class TikTok:
    """The streaming transport: people reach an audience through POST segment/mapping."""

    name = "tiktok"
    audiences_max = AUDIENCES_PER_AD_ACCOUNT_MAX
    people_per_body = PEOPLE_PER_REQUEST_MAX
    calls_after_body = 1
    consent_url = staticmethod(authorise.consent_url)
    exchange = staticmethod(authorise.exchange)
    list_ad_accounts = staticmethod(authorise.list_ad_accounts)
    audience_page = staticmethod(audience_pages.page)
    filled = FILLABLE
    """The type of the audiences that this transport fills."""

    def body(self, order: Order, groups: Sequence[KeyGroup]) -> bytes:
        """See `payload.body`."""
        return payload.body(order, groups)

    async def send(
        self, door: Door, base_url: str, token: str, order: Order, bodies: Bodies, deadline_s: float
    ) -> Answer:
        """One mapping call (D 1739940585975809), with the one body that there is."""
        del order
        async for body in bodies:
            url = calls.url(base_url, "segment/mapping")
            return replies.read_mapping(await calls.post(door, url, token, body, deadline_s))
        return NOTHING_TO_SEND

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
        """
        name = audience_name(name)
        ways = making.Ways(door, base_url, token, ad_account_ref, deadline_s, self.list_audiences)
        asked = {
            "advertiser_id": ad_account_ref,
            "action": "create",
            "custom_audience_name": name,
        }
        return await making.once(ways, "segment/audience", asked, "audience_id", FILLABLE)

    async def create_lookalike(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        wanted: Lookalike,
        deadline_s: float,
    ) -> Created:
        """POST dmp/custom_audience/lookalike/create (tiktok-api, section 6). Raises InputError for
        what TikTok would refuse or change."""
        asked = making.lookalike_body(ad_account_ref, audience_name(wanted.name), wanted)
        ways = making.Ways(door, base_url, token, ad_account_ref, deadline_s, self.list_audiences)
        path = "dmp/custom_audience/lookalike/create"
        return await making.once(ways, path, asked, "custom_audience_id", LOOKALIKE)

    async def may_stream(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        deadline_s: float,
    ) -> bool | None:
        """Is the app allowlisted? TikTok has no question for it, so an audience that cannot be is
        to be deleted: who may not stream is told so (40118), who may, that there is none."""
        asked = {"advertiser_id": ad_account_ref, "action": "delete", "delete_audience_id": "0"}
        url = calls.url(base_url, "segment/audience")
        answer, _ = replies.read(await calls.post_json(door, url, token, asked, deadline_s))
        if answer.code == NOT_ALLOWLISTED:
            return False
        return True if answer.cause in (Cause.ROWS, Cause.AUDIENCE) else None

    async def delete_audience(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        audience_ref: PartnerRef,
        deadline_s: float,
    ) -> Answer:
        """POST segment/audience with the action delete (D 1739940583739393). TikTok refuses while
        the audience is applied to an ad group."""
        asked = {
            "advertiser_id": ad_account_ref,
            "action": "delete",
            "delete_audience_id": audience_ref,
        }
        url = calls.url(base_url, "segment/audience")
        return read_deletion(await calls.post_json(door, url, token, asked, deadline_s))

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

        Those that can be filled are of type Partner and the ad account's own (is_creator); TikTok
        refuses mappings into any other (tiktok-api, section 0, point 7).
        """
        found: dict[PartnerRef, PartnerAudience] = {}
        others: dict[PartnerRef, PartnerAudience] = {}
        seen: set[PartnerRef] = set()
        skipped = 0

        def told(answer: Answer) -> Listed:
            return Listed(answer, tuple(found.values()), skipped, tuple(others.values()))

        for page in range(1, PAGES_MAX + 1):
            query = {"advertiser_id": ad_account_ref, "page": page, "page_size": PAGE_SIZE}
            url = calls.url(base_url, "dmp/custom_audience/list", query)
            answer, envelope = replies.read(await calls.get(door, url, token, deadline_s))
            if not answer.applied or envelope is None:
                return told(answer)
            entries = audience_pages.entries(envelope.data, self.filled)
            if entries is None:
                return told(misread(answer, "no list of audiences"))
            refs = {entry.ref for entry in entries if entry.ref is not None}
            skipped += sum(entry.audience is None and entry.fillable for entry in entries)
            for entry in entries:
                if entry.audience is not None:
                    fitting = found if entry.fillable else others
                    fitting[entry.audience.partner_ref] = entry.audience
            if audience_pages.is_last(envelope.data, page, len(entries)):
                return told(answer)
            if refs <= seen:
                return told(misread(answer, "pages repeat"))
            seen |= refs
        return told(misread(answer, "too many pages"))


def read_deletion(reply: HttpReply | NoAnswer) -> Answer:
    """What became of a deletion: an audience that is gone already counts as deleted."""
    answer, _ = replies.read(reply)
    if answer.code == GONE:
        return replace(answer, kind=AnswerKind.APPLIED, cause=Cause.NONE)
    return answer


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
