"""Which calls TikTok gets, and what is made of its answers. TikTok is a script here; the sandbox
plays it whole in the end-to-end tests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from towpath.errors import InputError
from towpath.ids import PartnerRef
from towpath.net.door import HttpReply, NoAnswer
from towpath.partners.protocol import AnswerKind, Cause, Created, Listed, Order, Partner, ready
from towpath.partners.tiktok.client import TikTok, audience_name
from towpath.partners.tiktok.limits import PAGES_MAX
from towpath.people.action import Action
from towpath.people.match_field import MatchField

BASE, TOKEN, ACCOUNT = "https://tiktok.example", "act.canary", PartnerRef("7300000000000000000")
LOST = NoAnswer(before_first_byte=False, why="deadline")
ORDER = Order(Action.ADD, (MatchField.EMAIL,), PartnerRef("1"), PartnerRef("2"))
TIKTOK: Partner = TikTok()


@dataclass(slots=True)
class Script:
    """A door behind which stands a list of answers; the last one repeats."""

    answers: list[HttpReply | NoAnswer]
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        assert deadline_s == 5
        return self._answer("POST", url, headers, body)

    async def get(self, url: str, headers: Mapping[str, str], deadline_s: float) -> HttpReply:
        assert deadline_s == 5
        return self._answer("GET", url, headers, b"")

    def _answer(self, verb: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        self.asked.append((verb, url, body))
        self.headers.append(headers)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, NoAnswer):
            raise found
        return found

    @property
    def paths(self) -> list[str]:
        return [f"{verb} {urlsplit(url).path}" for verb, url, _ in self.asked]


def ok(data: Any = None, code: int = 0) -> HttpReply:
    frame = {"code": code, "message": "OK", "request_id": "r1", "data": data or {}}
    return HttpReply(200, {}, json.dumps(frame).encode(), cut=False)


def line(ref: object, name: object = "Buyers", **other: object) -> dict[str, object]:
    return {
        "audience_id": ref,
        "name": name,
        "audience_type": "Partner",
        "is_creator": True,
        "is_valid": False,
        "cover_num": 0,
    } | other


def page(*lines: object, total: object = 1) -> HttpReply:
    return ok({"list": list(lines), "page_info": {"page": 1, "total_page": total}})


async def listed(*answers: HttpReply | NoAnswer) -> tuple[Listed, Script]:
    door = Script(list(answers))
    found = await TIKTOK.list_audiences(door, BASE, TOKEN, ad_account_ref=ACCOUNT, deadline_s=5)
    return found, door


async def created(*answers: HttpReply | NoAnswer, name: str = "Buyers") -> tuple[Created, Script]:
    door = Script(list(answers))
    found = await TIKTOK.create_audience(
        door, BASE, TOKEN, ad_account_ref=ACCOUNT, name=name, deadline_s=5
    )
    return found, door


async def test_a_mapping_goes_to_the_path_with_its_slash_and_the_plain_token() -> None:
    door = Script([ok()])
    answer = await TIKTOK.send(door, BASE + "/", TOKEN, ORDER, ready(b"{}"), 5)
    assert answer.applied
    assert door.asked == [("POST", f"{BASE}/open_api/v1.3/segment/mapping/", b"{}")]
    assert door.headers == [{"Access-Token": TOKEN, "Content-Type": "application/json"}]


async def test_a_lost_mapping_is_unknown_and_an_unsent_one_refused() -> None:
    lost = await TIKTOK.send(Script([LOST]), BASE, TOKEN, ORDER, ready(b"{}"), 5)
    unsent = await TIKTOK.send(
        Script([NoAnswer(True, "refused")]), BASE, TOKEN, ORDER, ready(b"{}"), 5
    )
    assert (lost.kind, unsent.kind) == (AnswerKind.UNKNOWN, AnswerKind.REFUSED)


async def test_a_probe_asks_who_we_are() -> None:
    door = Script([ok({"display_name": "x"})])
    assert (await TIKTOK.probe(door, BASE, TOKEN, 5)).applied
    assert door.paths == ["GET /open_api/v1.3/user/info/"]
    assert (await TIKTOK.probe(Script([ok(code=40105)]), BASE, TOKEN, 5)).cause is Cause.CONNECTION


async def test_only_audiences_that_can_be_filled_are_listed() -> None:
    found, door = await listed(
        page(
            line("1"),
            line("2", audience_type="Lookalike Audience"),
            line("3", is_creator=False),
            line("4", is_creator="true"),
            line("5", "Leads", is_valid=True, cover_num=1_234),
        )
    )
    assert [(item.partner_ref, item.name) for item in found.audiences] == [
        ("1", "Buyers"),
        ("5", "Leads"),
    ]
    assert (found.audiences[1].people, found.audiences[1].ready) == (1_234, True)
    query = parse_qs(urlsplit(door.asked[0][1]).query)
    assert query == {"advertiser_id": [ACCOUNT], "page": ["1"], "page_size": ["100"]}


async def test_all_pages_are_read() -> None:
    found, door = await listed(page(line("1"), total=3), page(line("2"), total=3), page(line("3")))
    assert [item.partner_ref for item in found.audiences] == ["1", "2", "3"]
    assert len(door.asked) == 3


async def test_r52_repeating_pages_end_in_an_error() -> None:
    found, door = await listed(page(line("1"), total=10**9))
    assert (found.answer.kind, found.answer.cause) == (AnswerKind.UNKNOWN, Cause.CONTRACT)
    assert len(door.asked) == 2


async def test_r52_pages_without_end_stop_at_the_bound() -> None:
    pages = [page(line(str(number)), total=10**9) for number in range(PAGES_MAX + 5)]
    found, door = await listed(*pages)
    assert found.answer.message == "too many pages"
    assert len(door.asked) == PAGES_MAX


async def test_r53_unusable_lines_are_skipped_and_large_ids_stay_exact() -> None:
    found, _ = await listed(
        page(
            line(None),
            line("7", None),
            line("8", ""),
            line("abc"),
            line(True),
            line(1.5),
            "text",
            line(7399999999999999999),
        )
    )
    assert [item.partner_ref for item in found.audiences] == ["7399999999999999999"]
    assert found.skipped == 6


@pytest.mark.parametrize("data", [{}, {"list": None}, {"list": {}}, [], "x"])
async def test_an_answer_without_a_list_is_an_error(data: Any) -> None:
    found, _ = await listed(ok(data))
    assert found.answer.cause is Cause.CONTRACT


async def test_a_refused_page_is_not_a_whole_list() -> None:
    found, _ = await listed(page(line("1"), total=2), ok(code=40100))
    assert found.answer.cause is Cause.THROTTLED_APP
    assert len(found.audiences) == 1


async def test_an_audience_is_looked_up_and_then_made() -> None:
    found, door = await created(page(line("1", "Other")), ok({"audience_id": "9"}))
    assert found.audience is not None
    assert (found.audience.partner_ref, found.audience.name, found.existed) == (
        "9",
        "Buyers",
        False,
    )
    assert door.paths == [
        "GET /open_api/v1.3/dmp/custom_audience/list/",
        "POST /open_api/v1.3/segment/audience/",
    ]
    assert json.loads(door.asked[1][2]) == {
        "advertiser_id": ACCOUNT,
        "action": "create",
        "custom_audience_name": "Buyers",
    }


async def test_an_id_given_as_a_number_is_kept_exact() -> None:
    found, _ = await created(page(), ok({"audience_id": 7399999999999999999}))
    assert found.audience is not None
    assert found.audience.partner_ref == "7399999999999999999"


async def test_one_that_exists_is_handed_back_not_made_again() -> None:
    found, door = await created(page(line("99"), line("100"), line("5")))
    assert found.existed
    assert found.audience is not None
    assert found.audience.partner_ref == "100"
    assert len(door.asked) == 1


@pytest.mark.parametrize("answer", [LOST, ok(code=50000), ok(code=40050)])
async def test_after_a_lost_answer_the_one_that_was_made_is_found(
    answer: HttpReply | NoAnswer,
) -> None:
    found, door = await created(page(), answer, page(line("9")))
    assert found.audience is not None
    assert (found.audience.partner_ref, found.existed, found.answer.applied) == ("9", False, True)
    assert [verb for verb, _, _ in door.asked] == ["GET", "POST", "GET"]


async def test_a_lost_answer_that_cannot_be_looked_up_stays_unknown_and_a_retry_finds_it() -> None:
    for last in (page(), LOST):
        found, _ = await created(page(), LOST, last)
        assert (found.audience, found.answer.kind) == (None, AnswerKind.UNKNOWN)
    again, door = await created(page(line("9")))
    assert again.audience is not None
    assert len(door.asked) == 1


async def test_r54_created_without_an_id_is_looked_up_then_an_error() -> None:
    found, _ = await created(page(), ok(), page(line("9")))
    assert found.audience is not None
    assert found.audience.partner_ref == "9"
    missing, _ = await created(page(), ok({"audience_id": None}), page())
    assert (missing.audience, missing.answer.cause) == (None, Cause.CONTRACT)
    assert missing.answer.kind is AnswerKind.UNKNOWN


async def test_nothing_is_made_if_the_look_up_or_the_call_is_refused() -> None:
    found, door = await created(ok(code=40105))
    assert (found.audience, found.answer.cause, len(door.asked)) == (None, Cause.CONNECTION, 1)
    found, door = await created(page(), ok(code=40133))
    assert (found.audience, found.answer.cause) == (None, Cause.THROTTLED_ACCOUNT)
    assert len(door.asked) == 2


@pytest.mark.parametrize("name", ["", "  ", "x" * 71, "a\nb"])
async def test_a_name_that_tiktok_would_change_is_refused_before_any_call(name: str) -> None:
    door = Script([ok()])
    with pytest.raises(InputError) as failure:
        await TIKTOK.create_audience(
            door, BASE, TOKEN, ad_account_ref=ACCOUNT, name=name, deadline_s=5
        )
    assert failure.value.field == "name"
    assert door.asked == []
    assert audience_name(" " + "é" * 70 + " ") == "é" * 70


@pytest.mark.parametrize("given", [None, "", 5, "a b", "a\r\nEvil: 1", "é", "x" * 5_000])
async def test_a_token_that_could_not_be_a_header_is_none(given: object) -> None:
    door = Script([ok({"access_token": given})])
    found = await TIKTOK.exchange(door, BASE, "70", "canary", auth_code="c", deadline_s=5)
    assert (found.token, found.answer.cause) == ("", Cause.CONTRACT)
    assert "Access-Token" not in door.headers[0]
    assert json.loads(door.asked[0][2])["auth_code"] == "c"


async def test_ad_accounts_are_read_as_untrusted_input() -> None:
    lines = [
        {"advertiser_id": 7399999999999999999, "advertiser_name": None},
        {"advertiser_id": None, "advertiser_name": "x"},
        "text",
        {"advertiser_id": "74", "advertiser_name": "Shop"},
    ]
    door = Script([ok({"list": lines}), ok({"list": 5})])
    found = await TIKTOK.list_ad_accounts(door, BASE, "70", "canary", token=TOKEN, deadline_s=5)
    assert found.ad_accounts == (("7399999999999999999", "7399999999999999999"), ("74", "Shop"))
    assert door.headers == [{"Access-Token": TOKEN}]
    found = await TIKTOK.list_ad_accounts(door, BASE, "70", "canary", token=TOKEN, deadline_s=5)
    assert found.answer.cause is Cause.CONTRACT
