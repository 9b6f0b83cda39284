"""TikTok without its streaming API: people reach an audience in files, some updates a day.

Streaming is for allowlisted apps only (40118); every app may upload Customer Files (tiktok-api,
section 6). Files are uploaded one after the other, which changes nothing; one call then makes the
audience of them, or updates it. So all that happens before that call counts as refused: only the
last answer can be unknown.
"""

from collections.abc import Sequence
from dataclasses import replace

from towpath.ids import PartnerRef
from towpath.net.door import Door
from towpath.partners.protocol import (
    NOTHING_TO_SEND,
    Answer,
    AnswerKind,
    Bodies,
    Cause,
    Created,
    Order,
)
from towpath.partners.tiktok import audience_pages, calls, file_payload, making, payload, replies
from towpath.partners.tiktok.client import TikTok, read_deletion
from towpath.partners.tiktok.limits import FILE_BUSY_S, FILE_CALLS, FILE_PEOPLE
from towpath.people.action import Action
from towpath.people.key_group import KeyGroup

NOT_EDITABLE = 40002


class TikTokFiles(TikTok):
    """The Customer File transport. An audience that TikTok still processes answers *busy*."""

    people_per_body = FILE_PEOPLE
    calls_after_body = FILE_CALLS
    filled = audience_pages.CUSTOMER_FILE

    def body(self, order: Order, groups: Sequence[KeyGroup]) -> bytes:
        """See `file_payload.body`."""
        return file_payload.body(order, groups)

    async def send(
        self, door: Door, base_url: str, token: str, order: Order, bodies: Bodies, deadline_s: float
    ) -> Answer:
        """Upload the bodies and make the audience of them, or update it. The caller keeps TikTok's
        pace of a call a second and ad account. Raises InputError for an id that is no number."""
        payload.digits(order.ad_account_ref, "ad account")
        ways = making.Ways(
            door, base_url, token, order.ad_account_ref, deadline_s, self.list_audiences
        )
        if order.audience_ref is None and (answer := await self._there(ways, order)) is not None:
            return answer
        paths: list[str] = []
        async for body in bodies:
            answer, path = await _upload(ways, body)
            if path is None:
                return answer
            paths.append(path)
        if not paths:
            return NOTHING_TO_SEND
        if order.audience_ref is None:
            return await _make(ways, order.name, paths)
        return await _update(ways, order, payload.digits(order.audience_ref, "audience"), paths)

    async def _there(self, ways: making.Ways, order: Order) -> Answer | None:
        """Why the audience cannot be made now. One of its name is ours: the answer to the call that
        made it was lost, and it takes people as soon as it is editable."""
        listed = await ways.look()
        if not listed.answer.applied:
            return _without_effect(listed.answer)
        there = making.newest(listed, order.name, self.filled)
        if there is not None:
            message = "The audience is there by now."
            return Answer(AnswerKind.REFUSED, Cause.BUSY, message=message, made=there.partner_ref)
        fault = making.refusal(listed, {})
        return Answer(AnswerKind.REFUSED, Cause.AUDIENCE, message=fault) if fault else None

    async def create_audience(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        name: str,
        deadline_s: float,
    ) -> Created:
        """Nothing is made, and nothing asked: TikTok makes such an audience of its first file."""
        del door, base_url, token, ad_account_ref, name, deadline_s
        message = "A Customer File audience is made by its first file"
        return Created(Answer(AnswerKind.REFUSED, Cause.NONE, message=message))

    async def delete_audience(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_account_ref: PartnerRef,
        audience_ref: PartnerRef,
        deadline_s: float,
    ) -> Answer:
        """POST dmp/custom_audience/delete."""
        asked = {"advertiser_id": ad_account_ref, "custom_audience_ids": [audience_ref]}
        url = calls.url(base_url, "dmp/custom_audience/delete")
        return read_deletion(await calls.post_json(door, url, token, asked, deadline_s))


async def _upload(ways: making.Ways, body: bytes) -> tuple[Answer, str | None]:
    """POST dmp/custom_audience/file/upload; its path, or what became of it."""
    content_type, form = file_payload.form(ways.ad_account_ref, body)
    url = calls.url(ways.base_url, "dmp/custom_audience/file/upload")
    reply = await calls.post_as(ways.door, url, ways.token, content_type, form, ways.deadline_s)
    answer, envelope = replies.read(reply)
    data = envelope.data if envelope is not None else None
    path = data.get("file_path") if isinstance(data, dict) else None
    if answer.applied and isinstance(path, str) and path:
        return answer, path
    if answer.applied:
        answer = making.misread(answer, "uploaded, but the answer holds no file_path")
    return _without_effect(answer), None


async def _make(ways: making.Ways, name: str, paths: list[str]) -> Answer:
    """POST dmp/custom_audience/create."""
    asked = {
        "advertiser_id": ways.ad_account_ref,
        "custom_audience_name": name,
        "file_paths": paths,
        "calculate_type": file_payload.CALCULATE_TYPE,
    }
    url = calls.url(ways.base_url, "dmp/custom_audience/create")
    reply = await calls.post_json(ways.door, url, ways.token, asked, ways.deadline_s)
    answer, envelope = replies.read(reply)
    if not answer.applied:
        return answer
    data = envelope.data if envelope is not None else None
    ref = audience_pages.ref(data.get("custom_audience_id") if isinstance(data, dict) else None)
    if ref is None:
        return making.misread(answer, "created, but the answer holds no custom_audience_id")
    return replace(answer, made=ref)


async def _update(ways: making.Ways, order: Order, audience: str, paths: list[str]) -> Answer:
    """POST dmp/custom_audience/update. The action is always said: TikTok's default is REPLACE."""
    add = "REPLACE" if order.whole else "APPEND"
    asked = {
        "advertiser_id": ways.ad_account_ref,
        "custom_audience_id": audience,
        "file_paths": paths,
        "action": add if order.action is Action.ADD else "REMOVE",
    }
    url = calls.url(ways.base_url, "dmp/custom_audience/update")
    reply = await calls.post_json(ways.door, url, ways.token, asked, ways.deadline_s)
    answer = replies.read_mapping(reply)
    if answer.cause is Cause.AUDIENCE and answer.code == NOT_EDITABLE:
        return replace(answer, cause=Cause.BUSY, pause_s=FILE_BUSY_S)
    return answer


def _without_effect(answer: Answer) -> Answer:
    """A call that changes nobody failed, or was not answered: nothing of the request is applied."""
    return replace(answer, kind=AnswerKind.REFUSED)
