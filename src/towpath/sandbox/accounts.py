"""The endpoints for tokens, the user and ad accounts (tiktok-api, section 3)."""

from typing import Any

import msgspec

from towpath.sandbox.endpoint import Act, Ask, require
from towpath.sandbox.envelope import RefusalError
from towpath.sandbox.world import Advertiser, World


class _TokenBody(msgspec.Struct):
    app_id: str | int = ""
    secret: str = ""
    auth_code: str = ""
    return_advertiser_ids: bool = True


def access_token(world: World, ask: Ask) -> Act:
    """POST oauth2/access_token/: an auth_code, valid for an hour and once, for a token."""
    body = ask.body(_TokenBody)
    app_id = str(body.app_id)
    require(app_id=app_id, secret=body.secret, auth_code=body.auth_code)
    if app_id != world.app_id:
        raise RefusalError(40113)
    if body.secret != world.secret:
        raise RefusalError(40101)
    code = world.auth_codes.get(body.auth_code)
    if code is None:
        raise RefusalError(40101)
    if code.used or ask.now - code.issued_at > world.rules.auth_code_life_s:
        raise RefusalError(40110)
    code.used = True
    grant = world.issue(code.advertisers, code.scopes)
    shown = grant.advertisers if body.return_advertiser_ids else []
    return Act({"access_token": grant.token, "advertiser_ids": shown, "scope": list(grant.scopes)})


def granted_advertisers(world: World, ask: Ask) -> Act:
    """GET oauth2/advertiser/get/: the ad accounts that the token reaches."""
    if (ask.required("app_id"), ask.required("secret")) != (world.app_id, world.secret):
        raise RefusalError(40113)
    accounts = [world.advertisers[each] for each in ask.grant.advertisers]
    return Act(
        {
            "list": [
                {"advertiser_id": account.advertiser_id, "advertiser_name": account.name}
                for account in accounts
                if account.role
            ]
        }
    )


def user_info(world: World, _ask: Ask) -> Act:
    """GET user/info/: the cheapest check of a token."""
    return Act(
        {
            "display_name": "Tess Towpath",
            "email": "t***@example.com",
            "core_user_id": world.app_id[::-1].replace("0", "1"),
            "create_time": int(world.started_at),
            "avatar_url": "",
        }
    )


def advertiser_info(world: World, ask: Ask) -> Act:
    """GET advertiser/info/: up to 100 ad accounts; `fields` picks among their properties."""
    wanted = ask.texts("advertiser_ids")
    if not wanted:
        raise RefusalError(40002, "Missing required field(s): advertiser_ids.")
    fields = set(ask.texts("fields"))
    found = []
    for advertiser_id in wanted:
        account = world.advertisers.get(advertiser_id)
        if account is None or account.enabled:
            account = world.advertiser(ask.grant, advertiser_id)
        elif advertiser_id not in ask.grant.advertisers:
            raise RefusalError(40001, f"No access to operation advertiser {advertiser_id}")
        shown = _properties(account)
        found.append({name: shown[name] for name in shown if not fields or name in fields})
    return Act({"list": found})


def _properties(account: Advertiser) -> dict[str, Any]:
    return {
        "advertiser_id": account.advertiser_id,
        "name": account.name,
        "company": account.name,
        "status": "STATUS_ENABLE" if account.enabled else "STATUS_DISABLE",
        "role": "ROLE_ADVERTISER",
        "currency": "EUR",
        "timezone": "Etc/GMT",
        "display_timezone": "Europe/Lisbon",
        "country": "PT",
        "language": "en",
        "advertiser_account_type": "AUCTION",
        "balance": 0,
        "create_time": int(account.created_at),
        "owner_bc_id": account.business_id,
        "rejection_reason": "",
        "industry": None,
        "email": None,
        "telephone_number": None,
    }
