"""The pages: nothing unescaped, and what a form does is done."""

import re
from urllib.parse import urlencode

import pytest

from towpath.sandbox import Call
from towpath.sandbox.call import Reply
from towpath.sandbox.caller import Caller
from towpath.sandbox.furniture import furnish
from towpath.sandbox.pages import door

EVIL = "<script>alert(1)</script>\"'{0}"


def opened(caller: Caller, path: str, form: dict[str, str] | None = None, /, **query: str) -> Reply:
    body = urlencode(form).encode() if form is not None else b""
    call = Call("GET" if form is None else "POST", path, urlencode(query), body=body)
    told = door.answer(caller.sandbox, call)
    assert told is not None
    return told


@pytest.mark.parametrize("path", ["/console", "/ads-manager", "/documented"])
def test_everything_is_escaped_and_nothing_comes_from_elsewhere(caller: Caller, path: str) -> None:
    caller.create(EVIL)
    caller.sandbox.world.add_app(EVIL)
    caller.post("segment/mapping/", {})
    caller.sandbox.handle(Call("GET", f"/open_api/v1.3/{EVIL}"))
    reply = opened(caller, path, search="", told=EVIL)
    text = reply.body.decode()
    assert reply.status == 200
    assert "<script" not in text
    assert not re.search(r'(src|href)="(https?:)?//', text)
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert 'lang="en"' in text


def test_ads_manager_shows_pages_and_applies(caller: Caller) -> None:
    world, account = caller.sandbox.world, caller.advertisers[0]
    made = furnish(world, caller.sandbox.clock())
    assert made > 100
    assert furnish(world, caller.sandbox.clock()) == 0
    pages = [opened(caller, "/ads-manager", page=page).body.decode() for page in "123"]
    assert sum(text.count("audience=") for text in pages) == made
    whole = "".join(pages)
    for shown in ("Expired", "Expiring", "shared by another account", "(Include)", "too small"):
        assert shown in whole
    audience = caller.create("Mine")
    group = next(each for each in world.adgroups.values() if each.advertiser_id == account)
    form = {"adgroup": group.adgroup_id, "usage": "Exclude"}
    where = {"aadvid": account, "audience": audience}
    assert opened(caller, "/ads-manager", form, **where).status == 303
    assert group.uses[audience] == "Exclude"
    assert "Exclude" in opened(caller, "/ads-manager", None, **where).body.decode()
    logged = caller.get(
        "dmp/custom_audience/apply/log/", advertiser_id=account, custom_audience_ids=audience
    )
    assert [each["usage_mode"] for each in logged["data"]["list"]] == ["Exclude"]
    gone = {"advertiser_id": account, "action": "delete", "delete_audience_id": audience}
    caller.sandbox.clock.advance(1)  # type: ignore[attr-defined]
    assert caller.post("segment/audience/", gone)["code"] == 40002
    assert opened(caller, "/ads-manager", {**form, "usage": ""}, **where).status == 303
    caller.sandbox.clock.advance(1)  # type: ignore[attr-defined]
    assert caller.post("segment/audience/", gone)["code"] == 0
    assert opened(caller, "/ads-manager", None, **where).status == 404
    assert opened(caller, "/ads-manager", aadvid="1").status == 404


def test_the_console_breaks_and_mends(caller: Caller) -> None:
    world, account = caller.sandbox.world, caller.advertisers[0]
    mapping = {"advertiser_ids": [account], "id_schema": ["x"]}

    def does(do: str, **fields: str) -> int:
        assert opened(caller, "/console", {"do": do, **fields}).status == 303
        return int(caller.post("segment/mapping/", mapping)["code"])

    assert does("POST authorisations", app_id=world.app_id) == 40105
    assert does("POST token", alive="yes") == 40002
    assert does("POST allowlist", app_id=world.app_id, on="") == 40118
    assert does("POST allowlist", app_id=world.app_id, on="yes") == 40002
    assert does(f"POST advertisers/{account}", enabled="") == 40300
    assert does(f"POST advertisers/{account}", enabled="yes") == 40002
    assert does(f"POST advertisers/{account}", role="") == 40001
    does(f"POST advertisers/{account}", role="yes")
    does("POST faults", path="user/info/", every="51010")
    assert [caller.get("user/info/")["code"] for _ in range(2)] == [51010] * 2
    does("POST faults", path="user/info/", every="")
    does("POST faults", path="user/info/", next="numbers")
    assert isinstance(caller.get("user/info/")["data"]["core_user_id"], int)
    before = caller.sandbox.clock()
    does("POST clock", advance="86400")
    assert caller.sandbox.clock() == before + 86_400
    audience = caller.create()
    caller.sandbox.handle(caller.mapping("add", audience, [{"EMAIL_SHA256": "a" * 64}]))
    does("POST clock", advance="3600")
    assert "a" * 64 in opened(caller, "/console", audience=audience).body.decode()
    does(f"DELETE audiences/{audience}")
    assert audience not in world.audiences
    does("POST advertisers", name="Another")
    assert len(world.advertisers) == 4
    does("POST furniture")
    does("POST apps", name="Third", redirects="http://a/ http://b/")
    assert list(world.apps.values())[-1].redirects == ["http://a/", "http://b/"]
    assert opened(caller, "/console", {"do": "POST clock", "advance": "soon"}).status == 400
    assert opened(caller, "/console", {"do": "nothing"}).status == 400
