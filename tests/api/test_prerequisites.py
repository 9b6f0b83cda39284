"""What must stand before a launch: terms, permissions, role, an ad account that is open."""

from typing import Any

import httpx
from tests.api.consent import Desk, app, connect, desk, olga, owner

__all__ = ["app", "desk", "olga", "owner"]


async def findings(client: httpx.AsyncClient, account: str) -> dict[str, Any]:
    """By code: what keeps a step in this ad account from launching."""
    step = {
        "kind": "audience_sync",
        "partner": "tiktok",
        "ad_account": account,
        "audience": {"create": "winback"},
        "action": "add",
        "fields": ["email"],
    }
    draft = {"canvas": "Walk", "entry": {"at": "launch", "first": "a"}, "steps": {"a": step}}
    answer = await client.post("/v1/canvases/validate", json={"draft": draft})
    assert answer.status_code == 200, answer.text
    return {one["code"]: one for one in answer.json()["findings"] if one["level"] == "error"}


async def use(client: httpx.AsyncClient, where: int, accounts: list[str]) -> None:
    """Choose ad accounts of the connection."""
    answer = await client.put(
        f"/v1/connections/{where}/ad-accounts", json={"ad_accounts": accounts}
    )
    assert answer.status_code == 200, answer.text


async def test_no_launch_before_the_terms_are_accepted(olga: httpx.AsyncClient, desk: Desk) -> None:
    """S019."""
    where = await connect(olga, desk.code())
    await use(olga, where, desk.accounts)
    told = await findings(olga, desk.accounts[0])
    assert list(told) == ["terms_not_accepted"]
    await olga.post(f"/v1/connections/{where}/terms")
    assert await findings(olga, desk.accounts[0]) == {}


async def test_a_permission_that_was_not_granted(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O34: connected, but sync steps cannot launch."""
    where = await connect(olga, desk.code(scopes=(1, 30)))
    await use(olga, where, desk.accounts)
    await olga.post(f"/v1/connections/{where}/terms")
    told = await findings(olga, desk.accounts[0])
    assert list(told) == ["ad_account_refused"]
    assert "Create and Update (31)" in told["ad_account_refused"]["message"]
    assert await connect(olga, desk.code()) == where
    assert await findings(olga, desk.accounts[0]) == {}


async def test_a_role_that_is_denied_and_an_account_that_is_closed(
    olga: httpx.AsyncClient, desk: Desk
) -> None:
    """S018, S016: of two ad accounts, only the one that TikTok denies keeps from launching."""
    where = await connect(olga, desk.code())
    await use(olga, where, desk.accounts)
    await olga.post(f"/v1/connections/{where}/terms")
    mine, other = (desk.sandbox.world.advertisers[one] for one in desk.accounts[:2])
    mine.role = False
    await olga.post(f"/v1/connections/{where}/refresh")
    told = await findings(olga, mine.advertiser_id)
    assert "admin or operator" in told["ad_account_refused"]["hint"]
    assert await findings(olga, other.advertiser_id) == {}
    mine.role, mine.enabled = True, False
    await olga.post(f"/v1/connections/{where}/refresh")
    told = await findings(olga, mine.advertiser_id)
    assert "STATUS_DISABLE" in told["ad_account_refused"]["message"]


async def test_of_two_connections_the_one_that_works_counts(
    olga: httpx.AsyncClient, desk: Desk
) -> None:
    """Both reach the ad account; the first lacks a permission, or is cut, or misses the terms."""
    account = desk.accounts[0]
    first = await connect(olga, desk.code(scopes=(1, 30)))
    second = await connect(olga, desk.code(), name="Books")
    for one in (first, second):
        await use(olga, one, [account])
    await olga.post(f"/v1/connections/{second}/terms")
    assert await findings(olga, account) == {}
    assert await connect(olga, desk.code()) == first
    assert await findings(olga, account) == {}
    gone = await olga.post(f"/v1/connections/{second}/disconnect", json={"canvases": []})
    assert gone.status_code == 200
    assert list(await findings(olga, account)) == ["terms_not_accepted"]
