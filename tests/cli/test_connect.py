"""`towpath connect tiktok`: where the token may come from, and that it goes nowhere else."""

import io
import json
import sys
from pathlib import Path

import pytest
import typer
from tests.cli.office import Office

from towpath.cli import connect
from towpath.errors import InputError
from towpath.partners.tiktok.limits import TOKEN_CHARS_MAX
from towpath.sandbox.world import SCOPES
from towpath.settings import Settings
from towpath.store import connections, workspaces
from towpath.store.database import Db, database_now


def typed(monkeypatch: pytest.MonkeyPatch, text: str, *, tty: bool = False) -> None:
    """What stands on standard input."""
    stdin = io.StringIO(text)
    stdin.isatty = lambda: tty  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", stdin)


def test_the_token_comes_from_standard_input(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    token = desk.sandbox.world.token
    typed(monkeypatch, f"{token}\n")
    told, said = desk.run("connect", "tiktok")
    assert "River Shop" in told
    assert "TikTok is connected." in told
    assert token not in told + said
    typed(monkeypatch, token)
    found = desk.json("connect", "tiktok")
    assert found["replaced"]
    names = {each.advertiser_id: each.name for each in desk.sandbox.world.advertisers.values()}
    assert found["ad_accounts"] == names
    assert token not in json.dumps(found)


def test_the_token_comes_from_a_file(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    place = desk.file("token", desk.sandbox.world.token + "\n")
    monkeypatch.setenv("TOWPATH_TIKTOK_TOKEN_FILE", place)
    typed(monkeypatch, "not asked for")
    assert len(desk.json("connect", "tiktok")["ad_accounts"]) == 3


def test_the_token_is_asked_for_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def prompt(text: str, **how: object) -> str:
        asked.update(how)
        return " a-token "

    typed(monkeypatch, "", tty=True)
    monkeypatch.setattr(typer, "prompt", prompt)
    assert connect.read_token(Settings()) == "a-token"
    assert asked == {"hide_input": True, "err": True}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "There is no token"),
        ("\n", "There is no token"),
        ("two words", "one word"),
        ("bell\x07", "one word"),
        ("é", "one word"),
        ("x" * (TOKEN_CHARS_MAX + 1), "too long"),
    ],
)
def test_what_cannot_be_a_token_is_refused_unshown(
    monkeypatch: pytest.MonkeyPatch, text: str, fault: str
) -> None:
    typed(monkeypatch, text)
    with pytest.raises(InputError, match=fault) as refused:
        connect.read_token(Settings())
    assert not text.strip() or text.strip() not in str(refused.value)


def test_a_refused_token_stores_nothing(
    desk: Office, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "bogus-token")
    told, said = desk.run("connect", "tiktok", code=1)
    assert told == ""
    assert "code 40105" in said
    assert "Check the token" in said
    assert "bogus" not in said
    workspace = workspaces.ensure_default(db, database_now(db)).id
    assert connections.list_all(db, workspace) == []


def test_a_token_without_the_permission_says_so(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = desk.sandbox.world.issue(list(desk.sandbox.world.advertisers), (3,))
    typed(monkeypatch, grant.token)
    assert "authorise the app" in desk.run("connect", "tiktok", code=1)[1]


def test_without_an_app_it_says_which_settings_to_make(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOWPATH_TIKTOK_APP_ID")
    monkeypatch.delenv("TOWPATH_TIKTOK_APP_SECRET")
    typed(monkeypatch, "a-token")
    assert "TOWPATH_TIKTOK_APP_ID" in desk.run("connect", "tiktok", code=1)[1]


def test_what_the_token_does_not_reach_is_told(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = desk.sandbox.world
    typed(monkeypatch, world.token)
    desk.run("connect", "tiktok")
    typed(monkeypatch, world.issue([], SCOPES).token)
    said, _ = desk.run("connect", "tiktok")
    assert "reaches no ad account" in said
    assert said.count("no longer reaches") == 3
    assert "TikTok has another token now." in said


def test_rates_and_sizes_are_the_settings(
    desk: Office, db: Db, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "towpath.toml").write_text(
        "requests_per_second = 7\npeople_per_request_max = 300\nkeys_per_request_max = 600\n"
    )
    typed(monkeypatch, desk.sandbox.world.token)
    desk.run("connect", "tiktok")
    (found,) = connections.list_all(db, workspaces.ensure_default(db, database_now(db)).id)
    assert (found.people_per_request_max, found.keys_per_request_max) == (300, 600)
    counted = db.execute("select endpoint_class, count(*) from permit group by 1 order by 1")
    assert counted.fetchall() == [("other", 7), ("streaming", 7)]
