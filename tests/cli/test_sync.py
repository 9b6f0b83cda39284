"""`towpath sync`, as it is typed, on a sandbox over HTTP."""

import io
import sys

import pytest
from tests.cli.office import Office

SEGMENT = "segment: brazil\nfilter: {attribute: country, is: BR}\n"
SYNC = """
sync: Brazil
segment: brazil
partner: tiktok
ad_account: "ACCOUNT"
audience: {create: brazil}
fields: [email]
"""


@pytest.fixture
def connected(desk: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office that is connected to TikTok, with a segment."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(desk.sandbox.world.token))
    desk.run("connect", "tiktok", "--accept-terms")
    desk.run("segment", "apply", desk.file("brazil.yaml", SEGMENT))
    return desk


def test_a_life(connected: Office) -> None:
    assert "no segment sync" in connected.run("sync", "list")[0]
    file = connected.file("sync.yaml", SYNC)
    assert "serve" in connected.run("sync", "start", file)[0]
    (one,) = connected.json("sync", "list")
    assert (one["name"], one["state"], one["plan"]["segment"]) == ("Brazil", "running", "brazil")
    connected.run("sync", "pause", "Brazil")
    assert connected.json("sync", "show", "Brazil")["state"] == "paused"
    assert "paused" in connected.run("sync", "show", "Brazil")[0]
    connected.run("sync", "resume", "Brazil")
    connected.run("sync", "stop", "Brazil")
    assert connected.json("sync", "show", "Brazil")["state"] == "stopped"
    assert "stopped already" in connected.run("sync", "stop", "Brazil", code=1)[1]


def test_what_is_wrong_is_named(connected: Office) -> None:
    _, said = connected.run("sync", "show", "Brasil", code=1)
    assert "`towpath sync start FILE`" in said
    without = connected.file("sync.yaml", SYNC.replace("fields: [email]", ""))
    told = connected.json("sync", "start", without, code=1)
    assert [one["code"] for one in told["findings"]] == ["fields_missing"]
    assert connected.json("sync", "list") == []
    unknown = connected.file("sync.yaml", SYNC.replace("segment: brazil", "segment: brasil"))
    _, said = connected.run("sync", "start", unknown, code=1)
    assert "brazil" in said
    connected.run("sync", "start", connected.file("sync.yaml", SYNC))
    assert "Did you mean Brazil" in connected.run("sync", "show", "Brasil", code=1)[1]
