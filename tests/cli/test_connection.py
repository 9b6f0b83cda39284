"""`towpath connect --consent`, `connection`, `audit-trail`, `doctor` and `secret rotate`."""

import io
import json
import re
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.cli.office import KEY, Office

from towpath.store import audit_trail, workspaces
from towpath.store.database import Db, database_now

NEW = "next:" + "B" * 43 + "="


class _Terminal(io.StringIO):
    """Standard input that answers once the page's address was printed."""

    def __init__(self, desk: Office, *, only_code: bool = False) -> None:
        super().__init__()
        self.desk, self.only_code = desk, only_code

    def readline(self, _size: int = -1, /) -> str:  # type: ignore[override]
        printed = self.desk.capsys.readouterr().err
        found = re.search(r"https?://\S+/portal/auth\S+", printed)
        assert found, printed
        asked = parse_qs(urlsplit(found[0]).query)
        world = self.desk.sandbox.world
        code = world.new_auth_code(list(world.advertisers), (1, 3), self.desk.sandbox.clock())
        if self.only_code:
            return code
        return f"{asked['redirect_uri'][0]}?code=x&auth_code={code}&state={asked['state'][0]}\n"


def test_over_the_consent_page(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """S024, S025: the address is printed, and the one at which the browser ends is pasted."""
    second = list(desk.sandbox.world.advertisers)[1]
    monkeypatch.setattr(sys, "stdin", _Terminal(desk))
    done = desk.json("connect", "tiktok", "--consent", "--ad-account", second, "--accept-terms")
    assert (len(done["ad_accounts"]), done["lacking"]) == (3, [])
    used = [one for one in desk.json("connection", "accounts", "TikTok") if one["chosen"]]
    assert [one["partner_ref"] for one in used] == [second]
    desk.run("connection", "accounts", "TikTok", "--refresh")
    points = desk.json("connection", "check", "TikTok")
    assert {one["state"] for one in points} == {"done"}
    trail = desk.json("audit-trail", "list")
    assert [one["action"] for one in trail] == [
        "connection.connected",
        "connection.ad_accounts_chosen",
        "terms.accepted",
    ]
    assert "3 entries hold" in desk.run("audit-trail", "verify")[0]


def test_the_code_by_itself_is_not_taken(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its state nobody can tell whose code it is."""
    monkeypatch.setattr(sys, "stdin", _Terminal(desk, only_code=True))
    told, said = desk.run("connect", "tiktok", "--consent", code=1)
    assert (told, "whole address" in said) == ("", True)


def _connected(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(desk.sandbox.world.token))
    desk.run("connect", "tiktok", "--accept-terms")


def test_the_end_of_a_connection(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    _connected(desk, monkeypatch)
    told, _ = desk.run("connection", "disconnect", "TikTok")
    assert "its token is revoked" in told
    assert not desk.sandbox.world.grants[desk.sandbox.world.token].alive
    (one,) = desk.json("connection", "list")
    assert (one["state"], one["broken_reason"]) == ("broken", "disconnected")
    assert "disconnected already" in desk.run("connection", "disconnect", "TikTok", code=1)[1]
    assert "TikTok" in desk.run("connection", "check", "TikTk", code=1)[1]


def test_keys_are_rotated_while_both_are_there(
    desk: Office, monkeypatch: pytest.MonkeyPatch, db: Db
) -> None:
    """I-60: with the new key in front both open; after rotating the old one may go. It is told in
    every workspace, since the keys are everybody's."""
    _connected(desk, monkeypatch)
    other = workspaces.create(db, "other", database_now(db))
    monkeypatch.setenv("TOWPATH_SECRET_KEYS", f"{NEW},{KEY}")
    desk.run("connection", "accounts", "TikTok", "--refresh")
    states = {one["what"]: one for one in desk.json("doctor")}
    assert states["secret keys"]["state"] == "look"
    assert desk.json("secret", "rotate") == {"key": "next", "sealed_again": 1}
    monkeypatch.setenv("TOWPATH_SECRET_KEYS", NEW)
    desk.run("connection", "accounts", "TikTok", "--refresh")
    assert desk.json("audit-trail", "list")[-1]["action"] == "keys.rotated"
    (told,) = audit_trail.read_page(db, other.id, after=0, limit=9)
    assert told.action == "keys.rotated"


def test_the_doctor_says_what_is_missing(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {one["what"]: one for one in desk.json("doctor", code=1)}
    assert found["connection"]["state"] == "missing"
    assert found["redirect URL"]["told"].startswith("http://127.0.0.1:0/v1/connections/callback")
    _connected(desk, monkeypatch)
    assert "missing" not in {one["state"] for one in desk.json("doctor")}
    monkeypatch.delenv("TOWPATH_TIKTOK_APP_SECRET")
    monkeypatch.delenv("TOWPATH_TIKTOK_APP_ID")
    monkeypatch.setenv("TOWPATH_SECRET_KEYS", NEW)
    told, _ = desk.run("doctor", code=1)
    assert "TOWPATH_TIKTOK_APP_SECRET: It is not set." in told
    assert "office" in told
    monkeypatch.setenv("TOWPATH_DATABASE_URL", "postgresql://nobody:hidden@127.0.0.1:9/none")
    told, said = desk.run("doctor", "--json", code=1)
    assert {one["what"]: one["state"] for one in json.loads(told)}["database"] == "missing"
    assert "hidden" not in told + said
