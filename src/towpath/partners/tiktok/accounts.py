"""What TikTok tells of an authorisation and its ad accounts (tiktok-api, 3.2 to 3.4)."""

import json
from collections.abc import Sequence

from towpath.ids import PartnerRef
from towpath.net.door import Door
from towpath.partners.consent import ENABLED, AdAccountFacts, AdAccountsDescribed
from towpath.partners.protocol import Answer, AnswerKind, Cause
from towpath.partners.tiktok import calls, replies
from towpath.partners.tiktok.audience_pages import ref

ADVERTISERS_MAX = 100
"""Ids in one call of advertiser/info: what Airbyte's connector sends at most."""
DENIED = (Cause.PERMISSION, Cause.AD_ACCOUNT)
NEEDED: dict[str, tuple[frozenset[int], ...]] = {
    "Ad Account Management (1), or Read Ad Account Information (100)": (
        frozenset({1}),
        frozenset({10}),
        frozenset({100}),
    ),
    "Audience Management (3), or Read Custom Audiences (30) with Create and Update (31)": (
        frozenset({3}),
        frozenset({30, 31}),
    ),
}
"""Permissions that Towpath needs, each with the sets of scopes that are enough for it; a scope of a
first level grants its children (D 1753986142651394)."""
_FIELDS = ("advertiser_id", "name", "status", "owner_bc_id")


class TikTokConsent:
    """See `Consent`."""

    def lacking(self, granted: Sequence[int]) -> tuple[str, ...]:
        """Which of NEEDED no granted set of scopes covers."""
        have = frozenset(granted)
        return tuple(name for name, ways in NEEDED.items() if not any(way <= have for way in ways))

    async def person(self, door: Door, base_url: str, token: str, deadline_s: float) -> str:
        """GET user/info: the display name of whoever confirmed."""
        reply = await calls.get(door, calls.url(base_url, "user/info"), token, deadline_s)
        answer, envelope = replies.read(reply)
        if not answer.applied or envelope is None or not isinstance(envelope.data, dict):
            return ""
        return replies.clean(envelope.data.get("display_name"))

    async def describe(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_accounts: Sequence[PartnerRef],
        deadline_s: float,
    ) -> AdAccountsDescribed:
        """GET advertiser/info, ADVERTISERS_MAX at once. A refusal does not say of which it speaks:
        the call is halved until it is one."""
        waiting = [
            list(ad_accounts[low : low + ADVERTISERS_MAX])
            for low in range(0, len(ad_accounts), ADVERTISERS_MAX)
        ]
        found: list[AdAccountFacts] = []
        answer = Answer(AnswerKind.APPLIED, Cause.NONE)
        while waiting:
            refs = waiting.pop()
            query = {"advertiser_ids": json.dumps(refs), "fields": json.dumps(_FIELDS)}
            address = calls.url(base_url, "advertiser/info", query)
            answer, envelope = replies.read(await calls.get(door, address, token, deadline_s))
            if answer.applied and envelope is not None:
                found += _facts(envelope.data)
            elif answer.cause not in DENIED:
                return AdAccountsDescribed(answer, tuple(found))
            elif len(refs) > 1:
                waiting += [refs[: len(refs) // 2], refs[len(refs) // 2 :]]
            else:
                found.append(AdAccountFacts(refs[0], denied=answer.message or "no permission"))
        done = Answer(AnswerKind.APPLIED, Cause.NONE, 0, "", answer.partner_request_ref)
        return AdAccountsDescribed(done, tuple(found))

    async def revoke(
        self,
        door: Door,
        base_url: str,
        app_ref: str,
        app_secret: str,
        token: str,
        deadline_s: float,
    ) -> Answer:
        """POST oauth2/revoke_token (D 1739965949088770)."""
        asked = {"app_id": app_ref, "secret": app_secret, "access_token": token}
        address = calls.url(base_url, "oauth2/revoke_token")
        answer, _ = replies.read(await calls.post_json(door, address, token, asked, deadline_s))
        if answer.code in {40102, 40105}:  # expired, dead: nothing is left to revoke
            return Answer(AnswerKind.APPLIED, Cause.NONE, answer.code, answer.message)
        return answer


def _facts(data: object) -> list[AdAccountFacts]:
    lines = data.get("list") if isinstance(data, dict) else None
    found = []
    for line in lines if isinstance(lines, list) else []:
        account = ref(line.get("advertiser_id")) if isinstance(line, dict) else None
        if account is not None:
            status = replies.clean(line.get("status"))
            told = ENABLED if status == "STATUS_ENABLE" else status
            found.append(AdAccountFacts(account, told, ref(line.get("owner_bc_id"))))
    return found
