"""Every transport passes every check; one that trusts HTTP 200 does not."""

from collections.abc import Callable

import pytest
from tests.partners.conformance.checks import CHECKS, Check
from tests.partners.conformance.files import files
from tests.partners.conformance.streaming import Streaming, streaming
from tests.partners.conformance.subject import Subject

from towpath.net.door import Door, NoAnswer
from towpath.partners.protocol import Answer, AnswerKind, Bodies, Cause, Order
from towpath.partners.tiktok import calls
from towpath.partners.tiktok.client import TikTok

TRANSPORTS: dict[str, Callable[[], Subject]] = {"streaming": streaming, "files": files}


class TrustsStatus(TikTok):
    """The adapter as it is often written: HTTP 200 means that the people are in."""

    async def send(
        self, door: Door, base_url: str, token: str, order: Order, bodies: Bodies, deadline_s: float
    ) -> Answer:
        """One mapping call, and a look at the status."""
        del order
        url = calls.url(base_url, "segment/mapping")
        reply = await calls.post(door, url, token, await anext(bodies), deadline_s)
        if isinstance(reply, NoAnswer):
            return Answer(AnswerKind.REFUSED, Cause.NETWORK, message=reply.why)
        if reply.status == 200:
            return Answer(AnswerKind.APPLIED, Cause.NONE)
        return Answer(AnswerKind.REFUSED, Cause.SERVER, message=reply.body.decode())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_transport(transport: str, check: Check) -> None:
    await check(TRANSPORTS[transport]())


async def test_who_trusts_http_200_is_found_out() -> None:
    failed = set()
    for check in CHECKS:
        try:
            await check(Streaming(TrustsStatus()))
        except AssertionError:
            failed.add(check.__name__)
    assert failed == {
        "a_lost_answer_is_unknown",
        "what_is_no_sure_success_is_not_applied",
        "a_cut_answer_is_unknown",
        "a_throttled_request_rests_the_scope",
        "a_dead_token_stops_the_connection",
        "an_audience_that_is_gone_takes_nobody",
    }
