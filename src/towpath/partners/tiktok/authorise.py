"""How a person lets Towpath act for their ad accounts: TikTok's consent page and its token.

The token has no expiry and no refresh; it dies when the authorisation is removed (tiktok-api,
section 3). It carries what was granted, which may be less than the app asks for.
"""

from urllib.parse import urlencode

from towpath.ids import PartnerRef
from towpath.net.door import Door
from towpath.partners.protocol import AdAccountsListed, Answer, AnswerKind, Authorised, Cause
from towpath.partners.tiktok import calls, replies
from towpath.partners.tiktok.audience_pages import ref
from towpath.partners.tiktok.limits import TOKEN_CHARS_MAX


def consent_url(base_url: str, app_ref: str, state: str, redirect_uri: str) -> str:
    """TikTok's page on which an admin confirms; it comes back with `auth_code` and `state`."""
    query = {"app_id": app_ref, "state": state, "redirect_uri": redirect_uri}
    return f"{base_url.rstrip('/')}/portal/auth?{urlencode(query)}"


async def exchange(
    door: Door, base_url: str, app_ref: str, app_secret: str, *, auth_code: str, deadline_s: float
) -> Authorised:
    """POST oauth2/access_token (D 1739965703387137): an auth_code, valid for an hour and once, for
    a token. After a lost answer the code may be spent: the admin must confirm again."""
    asked = {
        "app_id": app_ref,
        "secret": app_secret,
        "auth_code": auth_code,
        "return_advertiser_ids": False,
    }
    address = calls.url(base_url, "oauth2/access_token")
    answer, envelope = replies.read(await calls.post_json(door, address, "", asked, deadline_s))
    if not answer.applied or envelope is None:
        return Authorised(answer)
    token = envelope.data.get("access_token") if isinstance(envelope.data, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_CHARS_MAX or not _plain(token):
        return Authorised(_misread(answer, "the answer holds no access_token"))
    scopes, accounts = envelope.data.get("scope"), envelope.data.get("advertiser_ids", [])
    if not isinstance(scopes, list) or not all(type(each) is int for each in scopes):
        return Authorised(_misread(answer, "the answer does not list what was granted"))
    if not isinstance(accounts, list):
        return Authorised(_misread(answer, "the answer's advertiser_ids are no list"))
    return Authorised(answer, token, tuple(dict.fromkeys(scopes)))


async def list_ad_accounts(
    door: Door, base_url: str, app_ref: str, app_secret: str, *, token: str, deadline_s: float
) -> AdAccountsListed:
    """GET oauth2/advertiser/get: the ad accounts that the token reaches, by id and name."""
    query = {"app_id": app_ref, "secret": app_secret}
    address = calls.url(base_url, "oauth2/advertiser/get", query)
    answer, envelope = replies.read(await calls.get(door, address, token, deadline_s))
    if not answer.applied or envelope is None:
        return AdAccountsListed(answer)
    lines = envelope.data.get("list") if isinstance(envelope.data, dict) else None
    if not isinstance(lines, list):
        return AdAccountsListed(_misread(answer, "no list of ad accounts"))
    found: dict[PartnerRef, str] = {}
    for line in lines:
        account = ref(line.get("advertiser_id")) if isinstance(line, dict) else None
        if account is not None:
            name = line.get("advertiser_name")
            found[account] = name if isinstance(name, str) and name else account
    return AdAccountsListed(answer, tuple(found.items()))


def _plain(token: str) -> bool:
    """It becomes a header: nothing but visible ASCII."""
    return token.isascii() and token.isprintable() and " " not in token


def _misread(answer: Answer, message: str) -> Answer:
    return Answer(
        AnswerKind.UNKNOWN, Cause.CONTRACT, answer.code, message, answer.partner_request_ref
    )
