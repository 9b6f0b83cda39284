"""What a folder keeps: after a restart a sandbox goes on as if it had never stopped."""

from pathlib import Path

import pytest

from towpath.sandbox import Rules, Sandbox, SettableClock
from towpath.sandbox.caller import Caller
from towpath.sandbox.furniture import furnish
from towpath.sandbox.kept import FILE, Folder, pack, unpack

RULES = Rules(processing_s=60, match_rate=1.0)


def story() -> Caller:
    caller = Caller(Sandbox(5, SettableClock(lambda: 1e9), RULES))
    furnish(caller.sandbox.world, 1e9)
    clock = caller.sandbox.clock
    assert isinstance(clock, SettableClock)
    clock.advance(3_600)
    audience = caller.create()
    people = [f"{number:064x}" for number in range(1_200)]
    path = caller.upload(people)["data"]["file_path"]
    body = {"advertiser_id": caller.advertisers[0], "custom_audience_name": "f"}
    body |= {"file_paths": [path], "calculate_type": "EMAIL_SHA256"}  # type: ignore[dict-item]
    assert caller.post("dmp/custom_audience/create/", body)["code"] == 0
    caller.sandbox.handle(caller.mapping("add", audience, [{"EMAIL_SHA256": "a" * 64}]))
    return caller


def test_it_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    one = story().sandbox
    folder = Folder(tmp_path / "kept")
    folder.save(one)
    folder.close()
    other = Sandbox(1, SettableClock(lambda: 1e9), RULES)
    again = Folder(tmp_path / "kept")
    assert again.load(other)
    assert (other.clock(), other.settled_at()) == (one.clock(), one.settled_at())
    assert pack(other) == pack(one)
    for each in (one, other):
        assert isinstance(each.clock, SettableClock)
        each.clock.set(one.settled_at())
    assert [other.digest(each) for each in other.world.audiences] == [
        one.digest(each) for each in one.world.audiences
    ]
    assert Caller(other).get("user/info/") == Caller(one).get("user/info/")
    assert other.world.new_id() == one.world.new_id()
    again.close()
    assert (tmp_path / "kept" / FILE).stat().st_mode & 0o077 == 0


def test_a_folder_belongs_to_one(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(ValueError, match="another sandbox"):
        Folder(tmp_path)
    folder.close()
    again = Folder(tmp_path)
    assert not again.load(story().sandbox)
    again.close()


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x80"])
def test_what_is_no_state_is_refused(data: bytes) -> None:
    sandbox = story().sandbox
    before = pack(sandbox)
    with pytest.raises(ValueError, match="not a sandbox' state"):
        unpack(sandbox, data)
    assert pack(sandbox) == before
