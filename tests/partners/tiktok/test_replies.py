"""What each answer of TikTok's means: every bad input R01 to R51 that one reply can show.

R42 to R47 and R49 happen on the wire; here stands what their outcome means, and
tests/net/test_door.py makes them happen. R52 to R54 are in test_client.py.
"""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.net.door import HttpReply, NoAnswer
from towpath.partners.protocol import Answer, AnswerKind, Cause, Scope
from towpath.partners.tiktok.replies import CODES, DOCUMENTED, clean, read, read_mapping

APPLIED, REFUSED, UNKNOWN = AnswerKind
REF = "20221109183407010251077102"


def reply(body: bytes | str, status: int = 200, **headers: str) -> HttpReply:
    """An HTTP answer with this body."""
    raw = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status, named, raw, cut=False)


def says(code: object, message: object = "", status: int = 200, **headers: str) -> HttpReply:
    """TikTok's envelope with this code."""
    frame = {"code": code, "message": message, "request_id": REF, "data": {}}
    return reply(json.dumps(frame), status, **headers)


OK = json.dumps({"code": 0, "message": "OK", "request_id": REF, "data": {}})
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
TWICE = f'{{"code":0,"message":"OK","request_id":"{REF}","data":{{}},"code":40100}}'
ROWS: dict[str, tuple[HttpReply | NoAnswer, AnswerKind, Cause]] = {
    "R01 HTML page": (reply(HTML), UNKNOWN, Cause.CONTRACT),
    "R02 empty body": (reply(b""), UNKNOWN, Cause.CONTRACT),
    "R03 empty object": (reply("{}"), UNKNOWN, Cause.CONTRACT),
    "R04 empty list": (reply("[]"), UNKNOWN, Cause.CONTRACT),
    "R05 null": (reply("null"), UNKNOWN, Cause.CONTRACT),
    "R06 truncated JSON": (reply(OK[:-1]), UNKNOWN, Cause.CONTRACT),
    "R07 garbage after JSON": (reply(OK + "x"), UNKNOWN, Cause.CONTRACT),
    "R08 code is text 0": (says("0", "OK"), UNKNOWN, Cause.CONTRACT),
    "R09 code is text 40105": (says("40105"), UNKNOWN, Cause.CONTRACT),
    "R10 code null": (says(None, "OK"), UNKNOWN, Cause.CONTRACT),
    "R11 code a list": (says([0], "OK"), UNKNOWN, Cause.CONTRACT),
    "R11 code false": (says(False, "OK"), UNKNOWN, Cause.CONTRACT),
    "R11 code 0.0": (says(0.0, "OK"), UNKNOWN, Cause.CONTRACT),
    "R11 code NaN": (says(float("nan"), "OK"), UNKNOWN, Cause.CONTRACT),
    "R12 code missing": (
        reply('{"message":"OK","request_id":"1","data":{}}'),
        UNKNOWN,
        Cause.CONTRACT,
    ),
    "R13 Code in another case": (reply(OK.replace("code", "Code")), UNKNOWN, Cause.CONTRACT),
    "R14 code twice": (reply(TWICE), UNKNOWN, Cause.CONTRACT),
    "R15 partial success": (says(20001), UNKNOWN, Cause.PARTIAL),
    "R16 throttled": (says(40100), REFUSED, Cause.THROTTLED_APP),
    "R17 still throttled": (says(40100), REFUSED, Cause.THROTTLED_APP),
    "R18 app throttled": (says(40016), REFUSED, Cause.THROTTLED_APP),
    "R18 advertiser throttled": (
        says(40133, "Advertiser (73)'s QPS (51) reaches QPS limit 50 for current path"),
        REFUSED,
        Cause.THROTTLED_ACCOUNT,
    ),
    "R19 token dead": (says(40105), REFUSED, Cause.CONNECTION),
    "R20 token expired": (says(40102), REFUSED, Cause.CONNECTION),
    "R20 token empty": (says(40104), REFUSED, Cause.CONNECTION),
    "R20 core user invalid": (says(40106), REFUSED, Cause.CONNECTION),
    "R21 token flaps, then": (says(0, "OK"), APPLIED, Cause.NONE),
    "R22 role lost": (says(40001), REFUSED, Cause.PERMISSION),
    "R23 not editable": (
        says(40002, "Audience is not editable, please check audience status."),
        REFUSED,
        Cause.AUDIENCE,
    ),
    "R24 id_schema invalid": (says(40002, "id_schema: invalid value"), REFUSED, Cause.ROWS),
    "R25 audience gone": (says(40007), REFUSED, Cause.AUDIENCE),
    "R26 ad account gone": (says(40300), REFUSED, Cause.AD_ACCOUNT),
    "R27 duplicate request": (says(40050), UNKNOWN, Cause.SERVER),
    "R28 write conflict": (says(40202), UNKNOWN, Cause.SERVER),
    "R29 system error": (says(50000), UNKNOWN, Cause.SERVER),
    "R29 service error": (says(50002), UNKNOWN, Cause.SERVER),
    "R29 51305": (says(51305), UNKNOWN, Cause.SERVER),
    "R29 any 5xxxx": (says(52123), UNKNOWN, Cause.SERVER),
    "R30 maintenance": (says(60001), REFUSED, Cause.MAINTENANCE),
    "R31 banned country": (says(41000), REFUSED, Cause.PERMISSION),
    "R32 code nobody knows": (says(99999), UNKNOWN, Cause.CONTRACT),
    "R33 code -1": (says(-1), UNKNOWN, Cause.CONTRACT),
    "R34 code 0, message error": (says(0, "error"), APPLIED, Cause.NONE),
    "R35 404 plain": (reply("404 page not found", 404), REFUSED, Cause.OURS),
    "R36 405 plain": (reply("", 405), REFUSED, Cause.OURS),
    "R37 proxy's 401": (reply(HTML, 401), UNKNOWN, Cause.CONTRACT),
    "R37 proxy's 403": (reply(HTML, 403), UNKNOWN, Cause.CONTRACT),
    "R38 429 with Retry-After": (
        reply("", 429, retry_after="120"),
        UNKNOWN,
        Cause.THROTTLED_APP,
    ),
    "R39 Retry-After unreadable": (
        reply("", 429, retry_after="Wed, 99"),
        UNKNOWN,
        Cause.THROTTLED_APP,
    ),
    "R40 500": (reply(HTML, 500), UNKNOWN, Cause.SERVER),
    "R40 502": (reply(HTML, 502), UNKNOWN, Cause.SERVER),
    "R40 503": (reply(HTML, 503), UNKNOWN, Cause.SERVER),
    "R40 504": (reply(HTML, 504), UNKNOWN, Cause.SERVER),
    "R41 500 with code 0": (says(0, "OK", 500), UNKNOWN, Cause.SERVER),
    "R41 202 with code 0": (says(0, "OK", 202), UNKNOWN, Cause.CONTRACT),
    "R41 404 with code 0": (says(0, "OK", 404), UNKNOWN, Cause.CONTRACT),
    "R42 body cut": (HttpReply(200, {}, OK.encode(), cut=True), UNKNOWN, Cause.CONTRACT),
    "R43 slow drip": (NoAnswer(False, "deadline"), UNKNOWN, Cause.NETWORK),
    "R44 headers only": (NoAnswer(False, "deadline"), UNKNOWN, Cause.NETWORK),
    "R45 never answers": (NoAnswer(False, "deadline"), UNKNOWN, Cause.NETWORK),
    "R46 reset": (NoAnswer(False, "connection lost"), UNKNOWN, Cause.NETWORK),
    "R47 no TLS": (NoAnswer(True, "certificate"), REFUSED, Cause.NETWORK),
    "R48 valid JSON called text/html": (
        says(0, "OK", content_type="text/html"),
        APPLIED,
        Cause.NONE,
    ),
    "R49 shorter than Content-Length": (NoAnswer(False, "lost"), UNKNOWN, Cause.NETWORK),
    "R50 called gzip, is plain": (
        says(0, "OK", content_encoding="gzip"),
        UNKNOWN,
        Cause.CONTRACT,
    ),
    "R50 is gzip": (reply(gzip.compress(OK.encode())), UNKNOWN, Cause.CONTRACT),
    "R51 UTF-16": (reply(OK.encode("utf-16")), UNKNOWN, Cause.CONTRACT),
    "R51 UTF-16 without mark": (reply(OK.encode("utf-16-le")), UNKNOWN, Cause.CONTRACT),
    "a redirect": (reply("", 302, location="https://elsewhere"), UNKNOWN, Cause.CONTRACT),
    "a redirect with code 0": (says(0, "OK", 302), UNKNOWN, Cause.CONTRACT),
    "a redirect with a code": (says(40105, "", 302), UNKNOWN, Cause.CONTRACT),
    "a TikTok code under 403": (says(40105, "", 403), REFUSED, Cause.CONNECTION),
    "too many ids": (says(40011), REFUSED, Cause.SIZE),
    "not allowlisted": (says(40118), REFUSED, Cause.PERMISSION),
    "other company's app": (says(40119), REFUSED, Cause.CONNECTION),
    "version offline": (says(40006), REFUSED, Cause.OURS),
    "deep nesting": (reply("[" * 100_000), UNKNOWN, Cause.CONTRACT),
    "huge number": (reply('{"code":' + "9" * 10_000 + "}"), UNKNOWN, Cause.CONTRACT),
    "success without request_id": (
        reply('{"code":0,"message":"OK","data":{}}'),
        UNKNOWN,
        Cause.CONTRACT,
    ),
    "success without data": (
        reply(f'{{"code":0,"message":"OK","request_id":"{REF}"}}'),
        APPLIED,
        Cause.NONE,
    ),
    "success with data that names items": (
        reply(f'{{"code":0,"message":"OK","request_id":"{REF}","data":{{"failed":["1"]}}}}'),
        UNKNOWN,
        Cause.CONTRACT,
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_answer(name: str) -> None:
    found, kind, cause = ROWS[name]
    answer = read_mapping(found)
    assert (answer.kind, answer.cause) == (kind, cause)


def test_every_bad_input_of_the_list_has_a_row() -> None:
    named = {name.split()[0] for name in ROWS if name.startswith("R")}
    assert named == {f"R{number:02}" for number in range(1, 52)}


@pytest.mark.parametrize("code", sorted(CODES))
def test_only_what_a_document_excludes_is_surely_refused(code: int) -> None:
    meaning = CODES[code]
    assert meaning.kind is not APPLIED
    if meaning.source != DOCUMENTED:
        assert meaning.kind is UNKNOWN
    if meaning.cause.scope is not Scope.REQUEST:
        assert read_mapping(says(code)).pause_s, "a scope that stops must say for how long"


def pause(found: HttpReply) -> float | None:
    return read_mapping(found).pause_s


def test_how_long_a_scope_rests() -> None:
    assert pause(says(40100)) == 1
    assert pause(says(60001)) == 300
    assert pause(says(40105)) == 60
    assert pause(says(50000)) is None
    assert pause(reply("", 429, retry_after="120")) == 120
    assert pause(reply("", 429, retry_after="999999999")) == 3_600
    assert pause(reply("", 429, retry_after="Wed, 99")) == 1
    assert pause(reply("", 429, retry_after="-5")) == 1
    assert pause(reply("", 429, retry_after="0")) == 1
    assert pause(reply(HTML, 503, retry_after="7")) == 7
    assert pause(reply(HTML, 503)) is None


def test_an_alert_names_a_code_that_is_text() -> None:
    answer = read_mapping(says("40105"))
    assert answer.code is None
    assert "40105" in answer.message


def test_code_message_and_request_id_are_kept() -> None:
    answer = read_mapping(says(40118, "not in the allowlist"))
    assert answer == Answer(REFUSED, Cause.PERMISSION, 40118, "not in the allowlist", REF, 60)
    assert read_mapping(says(0, "error")).message == "error"
    assert not read_mapping(says(0, "OK")).message


@pytest.mark.parametrize("ref", ["a b", "x" * 129, "é", "a\nb", "", 5, None])
def test_a_request_id_that_looks_like_none_is_dropped(ref: object) -> None:
    frame = {"code": 40100, "message": "", "request_id": ref}
    assert not read_mapping(reply(json.dumps(frame))).partner_request_ref


@pytest.mark.parametrize(
    "personal",
    [
        "6b1f" * 16,
        "6B1F" * 8,
        "jane.doe@example.com",
        "+5511912345678",
        "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25",
    ],
)
def test_a_message_that_names_a_person_is_blanked(personal: str) -> None:
    answer = read_mapping(says(40002, f"invalid id {personal}, try again"))
    assert personal.removesuffix(".com") not in answer.message
    assert answer.message.startswith("invalid id […]")


def test_a_message_is_one_short_line() -> None:
    assert clean("a\r\nb\x1b[31m\u202ec") == "a  b [31m c"
    assert len(clean("long " * 1_000)) <= 300
    assert not clean(None)


bodies = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["code", "message", "request_id", "data"]), inner)
        ),
        max_leaves=8,
    ).map(lambda found: json.dumps(found).encode()),
)


def is_true_success(status: int, body: bytes, headers: Mapping[str, str]) -> bool:
    """Said plainly, by another road than the reader's."""
    if status != 200 or headers:
        return False
    found: Any = json.loads(body.decode())
    return (
        isinstance(found, dict)
        and type(found.get("code")) is int
        and found["code"] == 0
        and isinstance(found.get("message"), str)
        and isinstance(found.get("request_id"), str)
        and (found.get("data") is None or found["data"] == {})
    )


@given(bodies, st.integers(100, 599), st.sampled_from([{}, {"content-encoding": "br"}]))
def test_any_answer_is_read_and_nothing_but_success_is_applied(
    body: bytes, status: int, headers: dict[str, str]
) -> None:
    answer = read_mapping(HttpReply(status, headers, body, cut=False))
    if answer.applied:
        assert is_true_success(status, body, headers)
    assert read(HttpReply(status, headers, body, cut=False))[0].kind in AnswerKind
