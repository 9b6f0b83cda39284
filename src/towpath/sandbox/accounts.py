"""The endpoints for tokens, the user and ad accounts (tiktok-api, section 3)."""

from typing import Any
from urllib.parse import parse_qs

import msgspec

from towpath.sandbox.endpoint import Act, Ask, require
from towpath.sandbox.envelope import RefusalError
from towpath.sandbox.records import Advertiser, Grant
from towpath.sandbox.world import World


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
    return _exchange(world, ask, app_id, body.secret, body.auth_code, body.return_advertiser_ids)


def _exchange(world: World, ask: Ask, app_id: str, secret: str, auth_code: str, show: bool) -> Act:
    _check_app(world, app_id, secret, wrong_secret=40101)
    code = world.auth_codes.get(auth_code)
    if code is None:
        raise RefusalError(40101)
    if code.app_id != app_id:
        raise RefusalError(40113)
    if code.used or ask.now - code.issued_at > world.rules.auth_code_life_s:
        raise RefusalError(40110)
    code.used = True
    grant = world.issue(code.advertisers, code.scopes, code.app_id, code.person_id)
    shown = grant.advertisers if show else []
    return Act(
        {
            "access_token": grant.token,
            "advertiser_ids": list(shown),
            "scope": list(grant.scopes),
        }
    )


def _check_app(world: World, app_id: str, secret: str, wrong_secret: int) -> None:
    app = world.apps.get(app_id)
    if app is None:
        raise RefusalError(40113)
    if secret != app.secret:
        raise RefusalError(wrong_secret)


class _FlatBody(msgspec.Struct):
    client_id: str | int = ""
    client_secret: str = ""
    code: str = ""
    grant_type: str = ""


def flat_token(world: World, ask: Ask) -> Act:
    """POST oauth/token/: the same for OAuth libraries, as JSON or a form; the answer is flat."""
    if ask.call.header("Content-Type").startswith("application/x-www-form-urlencoded"):
        texts = parse_qs(ask.call.body.decode("utf-8", "replace"))
        body = msgspec.convert({name: values[0] for name, values in texts.items()}, _FlatBody)
    else:
        body = ask.body(_FlatBody)
    app_id = str(body.client_id)
    require(
        client_id=app_id,
        client_secret=body.client_secret,
        code=body.code,
        grant_type=body.grant_type,
    )
    if body.grant_type != "authorization_code":
        raise RefusalError(40002, "grant_type: must be authorization_code.")
    act = _exchange(world, ask, app_id, body.client_secret, body.code, show=True)
    return Act({**act.data, "token_type": "Bearer"}, flat=True)


class _RevokeBody(msgspec.Struct):
    app_id: str | int = ""
    secret: str = ""
    access_token: str = ""


def revoke(world: World, ask: Ask) -> Act:
    """POST oauth2/revoke_token/: the token dies; tells the ad accounts that are lost."""
    body = ask.body(_RevokeBody)
    app_id = str(body.app_id)
    require(app_id=app_id, secret=body.secret, access_token=body.access_token)
    _check_app(world, app_id, body.secret, wrong_secret=40113)
    grant = world.grants.get(body.access_token)
    if grant is None or not grant.alive:
        raise RefusalError(40105)
    if grant.app_id != app_id:
        raise RefusalError(40113)
    lost = {"app_id": app_id, "advertiser_ids": list(grant.advertisers)}
    return Act(lost, commit=lambda at: _end(grant, at), action="revoke")


def _end(grant: Grant, at: float) -> float:
    grant.alive = False
    return at


def granted_advertisers(world: World, ask: Ask) -> Act:
    """GET oauth2/advertiser/get/: the ad accounts that the token reaches."""
    _check_app(world, ask.required("app_id"), ask.required("secret"), wrong_secret=40113)
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


def user_info(world: World, ask: Ask) -> Act:
    """GET user/info/: the cheapest check of a token."""
    person = world.people[ask.grant.person_id]
    return Act(
        {
            "display_name": person.name,
            "email": person.email,
            "core_user_id": person.person_id,
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
