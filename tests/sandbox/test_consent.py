"""The consent page, clicked through: what is ticked is what the token may do."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from towpath.sandbox import Call, Sandbox
from towpath.sandbox.call import Reply
from towpath.sandbox.caller import Caller
from towpath.sandbox.pages import door

BACK = "http://localhost:8000/connect/callback?from=here"


def opened(sandbox: Sandbox, form: dict[str, object] | None = None, **changed: str) -> Reply:
    query = {"app_id": sandbox.world.app_id, "state": "s&1", "redirect_uri": BACK, **changed}
    body = urlencode(form, doseq=True).encode() if form is not None else b""
    method = "GET" if form is None else "POST"
    told = door.answer(sandbox, Call(method, "/portal/auth", urlencode(query), body=body))
    assert told is not None
    return told


def went_back(reply: Reply) -> dict[str, str]:
    assert reply.status == 303, reply.body.decode()
    assert reply.headers["Location"].startswith(BACK)
    query = parse_qs(urlsplit(reply.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


def test_what_is_ticked_is_what_the_token_may_do(caller: Caller) -> None:
    sandbox, account = caller.sandbox, caller.advertisers[0]
    shown = opened(sandbox, rid="tracking", scope="[1,2]").body.decode()
    assert re.findall(r'name="scope" value="(\d+)"', shown) == ["1", "100", "3", "30", "31", "32"]
    assert all(name in shown for name in ("River Shop Outlet", "Lantern Books", "Platform Service"))
    ticked = {"advertiser": [account], "scope": [100, 30], "agreed": "yes", "decision": "confirm"}
    told = went_back(opened(sandbox, ticked))
    assert set(told) == {"from", "state", "code", "auth_code", "id"}
    assert (told["state"], told["from"]) == ("s&1", "here")
    assert told["code"] != told["auth_code"]
    asked = {
        "client_id": sandbox.world.app_id,
        "client_secret": sandbox.world.secret,
        "code": told["auth_code"],
        "grant_type": "authorization_code",
    }
    flat = caller.post("oauth/token/", asked)
    assert (flat["code"], flat["token_type"], flat["scope"]) == (0, "Bearer", [100, 30])
    assert "data" not in flat
    assert flat["advertiser_ids"] == [account]
    assert caller.post("oauth/token/", asked)["code"] == 40110
    caller.token = flat["access_token"]
    assert caller.get("dmp/custom_audience/list/", advertiser_id=account)["code"] == 0
    made = {"advertiser_id": account, "custom_audience_name": "x"}
    assert caller.post("segment/audience/", made)["code"] == 40001


@pytest.mark.parametrize("missing", ["advertiser", "scope", "agreed"])
def test_nothing_may_be_left_out(caller: Caller, missing: str) -> None:
    form = {"advertiser": caller.advertisers[:1], "scope": [1, 3], "agreed": "yes"}
    del form[missing]
    told = opened(caller.sandbox, form)
    assert (told.status, b'role="alert"' in told.body) == (400, True)
    assert caller.sandbox.world.auth_codes == {}


def test_a_denial_goes_back_without_a_code(caller: Caller) -> None:
    told = went_back(opened(caller.sandbox, {"decision": "deny"}))
    assert told == {"from": "here", "state": "s&1", "error": "access_denied"}


def test_redirects_must_match(caller: Caller) -> None:
    sandbox = caller.sandbox
    app = sandbox.world.add_app("<b>Strict</b>", [BACK, "https://example.com/"])
    assert b"&lt;b&gt;Strict" in opened(sandbox, app_id=app.app_id).body
    for wrong in ("https://example.com", "javascript:alert(1)", "", "https://[x"):
        told = opened(sandbox, app_id=app.app_id, redirect_uri=wrong)
        assert (told.status, b"Redirect Url Not Match" in told.body) == (400, True)
    assert opened(sandbox, app_id="1").status == 400


def test_another_person_reaches_other_accounts(caller: Caller) -> None:
    world = caller.sandbox.world
    ola = next(each for each in world.people.values() if each.name == "Ola Outlet")
    shown = opened(caller.sandbox, person=ola.person_id).body.decode()
    assert "analyst cannot authorise" in shown
    form = {"advertiser": caller.advertisers, "scope": [1, 3], "agreed": "yes"}
    told = went_back(opened(caller.sandbox, form, person=ola.person_id))
    code = world.auth_codes[told["auth_code"]]
    assert (code.advertisers, code.person_id) == (caller.advertisers[:1], ola.person_id)


def test_a_form_of_another_site_is_refused(caller: Caller) -> None:
    headers = {"Origin": "http://evil.example", "Host": "127.0.0.1:8900"}
    told = door.answer(caller.sandbox, Call("POST", "/portal/auth", headers=headers))
    assert told is not None
    assert told.status == 403


def test_revoking_and_roles(caller: Caller) -> None:
    world, account = caller.sandbox.world, caller.advertisers[0]
    tess = next(iter(world.people.values()))
    made = {"advertiser_id": account, "custom_audience_name": "x"}
    tess.roles[account] = "ANALYST"
    assert "admin or operator" in caller.post("segment/audience/", made)["message"]
    tess.roles[account] = "ADMIN"
    added = world.give_advertiser("Later", next(iter(world.businesses)), 0.0)
    own = {"app_id": world.app_id, "secret": world.secret}
    listed = caller.get("oauth2/advertiser/get/", **own)["data"]["list"]
    assert listed[-1] == {"advertiser_id": added.advertiser_id, "advertiser_name": "Later"}
    gone = {**own, "access_token": caller.token}
    assert caller.post("oauth2/revoke_token/", gone)["data"]["advertiser_ids"][0] == account
    assert caller.get("user/info/")["code"] == 40105
