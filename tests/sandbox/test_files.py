"""The Customer File API: what a file must be, and what may be done to an audience of files."""

from collections.abc import Callable
from typing import Any

import pytest

from towpath.sandbox import Rules, Sandbox, SettableClock
from towpath.sandbox.caller import Caller

DMP = "dmp/custom_audience/"
PEOPLE = [f"{number:064x}" for number in range(2_000)]
DAY_S = 86_400


@pytest.fixture
def caller(clock: SettableClock) -> Caller:
    return Caller(Sandbox(7, clock, Rules(processing_s=60, match_rate=1.0)))


@pytest.fixture
def path(caller: Caller, clock: SettableClock) -> Callable[..., str]:
    def upload(lines: list[str], kind: str = "EMAIL_SHA256") -> str:
        clock.advance(1)
        told = caller.upload(lines, kind)
        assert told["code"] == 0, told
        return str(told["data"]["file_path"])

    return upload


@pytest.fixture
def update(caller: Caller, clock: SettableClock) -> Callable[..., dict[str, Any]]:
    def send(audience: str, **changed: object) -> dict[str, Any]:
        clock.advance(1)
        body = {"advertiser_id": caller.advertisers[0], "custom_audience_id": audience, **changed}
        return caller.post(f"{DMP}update/", body)

    return send


def made(caller: Caller, clock: SettableClock, paths: list[str], **changed: object) -> str:
    body = {
        "advertiser_id": caller.advertisers[0],
        "custom_audience_name": "By file",
        "file_paths": paths,
        "calculate_type": "EMAIL_SHA256",
    }
    told = caller.post(f"{DMP}create/", body | changed)
    assert told["code"] == 0, told
    clock.set(caller.sandbox.settled_at())
    return str(told["data"]["custom_audience_id"])


def shown(caller: Caller, audience: str) -> dict[str, Any]:
    told = caller.get(
        f"{DMP}get/",
        advertiser_id=caller.advertisers[0],
        custom_audience_ids=f'["{audience}"]',
    )
    found: dict[str, Any] = told["data"]["list"][0]
    return found


@pytest.mark.parametrize(
    ("lines", "kind", "changed", "code"),
    [
        (PEOPLE, "EMAIL_SHA256", {"file_signature": "0" * 32}, 40900),
        (PEOPLE, "EMAIL_SHA256", {"file_name": "people.xlsx"}, 40908),
        (PEOPLE, "EMAIL_SHA256", {"file_name": "people.CSV"}, 40908),
        (PEOPLE, "IDFA_MD5", {}, 40909),
        (["A" * 64], "EMAIL_SHA256", {}, 40909),
        (["email", *PEOPLE], "EMAIL_SHA256", {}, 40909),
        (
            ["email_SHA256,email_SHA256,EMAIL_sha256,Email_SHA256", ",,,"],
            "MULTIPLE_TYPES",
            {},
            40909,
        ),
        (["email_SHA256,name", PEOPLE[0] + ",x"], "MULTIPLE_TYPES", {}, 40909),
        (["email_SHA256,MAID", PEOPLE[0]], "MULTIPLE_TYPES", {}, 40909),
        ([], "EMAIL_SHA256", {}, 40906),
        (["\n"], "EMAIL_SHA256", {}, 40906),
        (PEOPLE, "EMAIL", {}, 40002),
        (PEOPLE, "EMAIL_SHA256", {"advertiser_id": ""}, 40002),
        (PEOPLE, "EMAIL_SHA256", {"advertiser_id": "1"}, 40300),
    ],
)
def test_what_no_file_is(
    caller: Caller, lines: list[str], kind: str, changed: dict[str, str], code: int
) -> None:
    assert caller.upload(lines, kind, changed=changed)["code"] == code
    assert caller.sandbox.world.files == {}


def test_a_file_that_is_too_large_or_no_form(clock: SettableClock) -> None:
    caller = Caller(Sandbox(1, clock, Rules(file_bytes_max=100)))
    assert caller.upload(PEOPLE)["code"] == 40907
    assert caller.post(f"{DMP}file/upload/", {"advertiser_id": "1"})["code"] == 40002
    assert caller.upload(PEOPLE[:1])["code"] == 0
    assert caller.upload(PEOPLE[:1])["code"] == 40133, "one upload a second"


def test_several_kinds_in_one_file(caller: Caller, clock: SettableClock) -> None:
    device = "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25"
    header = "email_SHA256,PHONE_sha256,MAID,EMAIL_SHA256,maid_md5"
    rows = [
        f"{PEOPLE[1]},,{device.upper()},{PEOPLE[2]},",
        f",{PEOPLE[3]},,,{'0' * 32}",
    ]
    told = caller.upload([header, *rows], "MULTIPLE_TYPES")
    audience = made(caller, clock, [told["data"]["file_path"]], calculate_type="MULTIPLE_TYPES")
    assert caller.sandbox.members(audience) == {
        "email": {PEOPLE[1], PEOPLE[2]},
        "phone": {PEOPLE[3]},
        "maid": {"83dc3f5f32b9472613b0f038d36f22585a609d018af6f6067f50da318bf354bd"},
        "maid_md5": {"0" * 32},
    }


def test_a_path_expires_and_is_the_advertisers_own(
    caller: Caller, clock: SettableClock, path: Callable[..., str]
) -> None:
    one = path(PEOPLE)
    body = {"custom_audience_name": "x", "file_paths": [one], "calculate_type": "EMAIL_SHA256"}
    mine, other = caller.advertisers[:2]

    def create(advertiser: str, **changed: object) -> int:
        clock.advance(1)
        told = caller.post(f"{DMP}create/", {"advertiser_id": advertiser, **body, **changed})
        return int(told["code"])

    assert create(other) == 40915
    assert create(mine, file_paths=["nothing"]) == 40915
    assert create(mine, calculate_type="PHONE_SHA256") == 40909
    assert create(mine, custom_audience_name="x" * 129) == 40002
    assert create(mine, retention_in_days=366) == 40002
    assert create(mine, file_paths=[]) == 40002
    assert create(mine) == 0
    clock.advance(DAY_S)
    assert create(mine) == 40910


def test_updates_are_sets(
    caller: Caller, clock: SettableClock, path: Callable[..., str], update: Callable[..., Any]
) -> None:
    audience = made(caller, clock, [path(PEOPLE[:1_500])])
    assert shown(caller, audience)["audience_details"]["cover_num"] == 1_500
    assert shown(caller, audience)["audience_details"]["is_valid"]
    for action, lines, size in [
        ("APPEND", PEOPLE[1_000:], 2_000),
        ("REMOVE", PEOPLE[:600], 1_400),
        ("REPLACE", PEOPLE[:1_100], 1_100),
    ]:
        assert update(audience, file_paths=[path(lines)], action=action)["code"] == 0
        clock.set(caller.sandbox.settled_at())
        assert shown(caller, audience)["audience_details"]["cover_num"] == size
    assert caller.sandbox.members(audience) == {"email": set(PEOPLE[:1_100])}
    done = [each["action"] for each in shown(caller, audience)["audience_history"]]
    assert done == ["upload - replace", "upload remove", "upload - add", "create"]


def test_an_audience_that_is_not_editable(
    caller: Caller, clock: SettableClock, path: Callable[..., str], update: Callable[..., Any]
) -> None:
    few, people = path(PEOPLE[:999]), path(PEOPLE)
    small = made(caller, clock, [few])
    assert shown(caller, small)["audience_details"]["cover_num"] == 0
    told = update(small, file_paths=[people], action="APPEND")
    assert told["message"] == "Audience is not editable, please check audience status."
    clock.advance(1)
    audience = made(caller, clock, [people])
    assert update(audience, file_paths=[few], action="APPEND")["code"] == 0
    caller.sandbox.world.audiences[audience].busy_until = clock() + 60
    assert update(audience, file_paths=[few], action="APPEND")["code"] == 40002, "one runs"
    clock.advance(60)
    clock.set(caller.sandbox.settled_at())
    assert update(audience, file_paths=[people], action="REMOVE")["code"] == 40002, "all of them"
    assert update(audience, file_paths=[few])["code"] == 40002, "too few would be left"
    assert update(audience)["code"] == 40002, "neither name nor files"
    assert update(audience, custom_audience_name="Other")["code"] == 0
    partner = caller.create()
    assert update(partner, file_paths=[people], action="APPEND")["code"] == 40002
    clock.advance(306 * DAY_S)
    assert shown(caller, audience)["audience_details"]["is_expiring"]
    assert update(audience, custom_audience_name="Late")["code"] == 40002


def test_the_daily_quota(
    caller: Caller, clock: SettableClock, path: Callable[..., str], update: Callable[..., Any]
) -> None:
    people = path(PEOPLE)
    audience = made(caller, clock, [people])
    first = clock()
    for action in ["REPLACE"] + ["APPEND"] * 23:
        assert update(audience, file_paths=[people], action=action)["code"] == 0
        clock.set(caller.sandbox.settled_at())
        if action == "REPLACE":
            assert "replaced today" in update(audience, file_paths=[people])["message"]
    assert "24 times" in update(audience, file_paths=[people], action="APPEND")["message"]
    clock.set(first + DAY_S + 120)
    again = path(PEOPLE)
    assert update(audience, file_paths=[again])["code"] == 0


def test_late_checks_fail_in_the_history(
    caller: Caller, clock: SettableClock, path: Callable[..., str], update: Callable[..., Any]
) -> None:
    caller.sandbox.rules = Rules(file_checks_late=True, match_rate=1.0)
    people = path(PEOPLE)
    audience = made(caller, clock, [people])
    assert update(audience, file_paths=[people], action="REMOVE")["code"] == 0
    told = shown(caller, audience)
    assert told["audience_details"]["cover_num"] == 2_000
    assert "less than 1,000" in told["audience_details"]["error_msg"]
    assert "less than 1,000" in told["audience_history"][0]["msg"]


def test_a_fixed_retention_is_not_refreshed(
    caller: Caller, clock: SettableClock, path: Callable[..., str]
) -> None:
    start = clock()
    audience = made(caller, clock, [path(PEOPLE)], retention_in_days=30)
    details = shown(caller, audience)["audience_details"]
    assert (details["is_valid"], details["is_expiring"]) == (True, True)
    clock.set(start + 30 * DAY_S + 2)
    details = shown(caller, audience)["audience_details"]
    assert (details["is_valid"], details["cover_num"]) == (False, 0)
    gone = {"advertiser_id": caller.advertisers[0], "custom_audience_ids": [audience]}
    assert caller.post(f"{DMP}delete/", gone)["code"] == 0
    assert caller.post(f"{DMP}delete/", gone)["code"] == 40007
