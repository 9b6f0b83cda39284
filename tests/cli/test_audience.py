"""`towpath audience` and the templates, as they are typed, on a sandbox over HTTP."""

import io
import sys

import pytest
from tests.cli.office import Office


@pytest.fixture
def connected(desk: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office that is connected to TikTok."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(desk.sandbox.world.token))
    desk.run("connect", "tiktok", "--accept-terms")
    return desk


def test_audiences_are_made_listed_and_cleaned_up(connected: Office) -> None:
    """S037, S050, S062: with the sentences that belong to sizes."""
    account = next(iter(connected.sandbox.world.advertisers))
    where = ("--ad-account", account)
    made = connected.json("audience", "create", "winback", *where)
    assert connected.json("audience", "create", "winback", *where) == made
    told = connected.json("audience", "list", "WINB", *where)
    (one,) = told["items"]
    assert (one["id"], one["usable"], one["created_here"]) == (made["id"], True, True)
    assert told["owned_max"] == 400
    said, _ = connected.run("audience", "list", *where)
    for words in ("about 1,000", "24 to 48 hours", "Synced is not matched", "does not tell who"):
        assert words in " ".join(said.split())
    assert [one["name"] for one in connected.json("audience", "unused")] == ["winback"]
    connected.run("audience", "delete", made["id"], "--yes")
    assert connected.json("audience", "unused") == []
    assert connected.json("audience", "list", *where)["items"] == []


def test_a_template_becomes_a_canvas(connected: Office) -> None:
    """S005 to S008."""
    assert "suppression" in connected.run("canvas", "templates")[0]
    account = next(iter(connected.sandbox.world.advertisers))
    told = ("--template", "suppression", "--audience", "Buyers", "--ad-account", account)
    said, _ = connected.run("canvas", "new", *told)
    file = connected.file("suppression.yaml", said)
    connected.run("canvas", "apply", file)
    connected.run("canvas", "launch", "Suppression", "--yes")
    _, said = connected.run("canvas", "new", "--template", "suppresion", *told[2:], code=1)
    assert "suppression" in said
