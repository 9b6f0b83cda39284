"""What TikTok's answers mean. Pure.

TikTok answers HTTP 200 for nearly everything; only the integer code 0 in a whole envelope is
success. Whatever is not surely applied and not surely refused is *unknown*: people are then held to
be perhaps in the audience. A code is *refused* only if a document of TikTok's lists it with a
meaning that excludes effect; a code that only stands in the SDK's list keeps its cause but stays
unknown.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from towpath.net.door import HttpReply, NoAnswer
from towpath.partners.protocol import Answer, AnswerKind, Cause
from towpath.partners.tiktok.limits import (
    MESSAGE_CHARS_MAX,
    PAUSE_S,
    REQUEST_REF_CHARS_MAX,
    RETRY_AFTER_S_MAX,
)

REFUSED, UNKNOWN = AnswerKind.REFUSED, AnswerKind.UNKNOWN
DOCUMENTED = "D 1737172488964097"  # TikTok's page of return codes
SDK = "tiktok-business-api-sdk, tiktok_code.py"  # named there, described nowhere


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code stands for, and where that is written."""

    kind: AnswerKind
    cause: Cause
    source: str


def _means(
    codes: Iterable[int], kind: AnswerKind, cause: Cause, source: str = DOCUMENTED
) -> dict[int, Meaning]:
    return dict.fromkeys(codes, Meaning(kind, cause, source))


CODES: Final[dict[int, Meaning]] = {
    **_means([20001], UNKNOWN, Cause.PARTIAL),
    **_means([40016, 40100], REFUSED, Cause.THROTTLED_APP),
    **_means([40132, 40133], REFUSED, Cause.THROTTLED_ACCOUNT),
    **_means([60001], REFUSED, Cause.MAINTENANCE),
    **_means([40102, 40104, 40105, 40106, 40113, 40119], REFUSED, Cause.CONNECTION),
    # Said while authorising: the code, the secret or the grant is not good.
    **_means([40101, 40103, 40107, 40108, 40109, 40110, 40112], REFUSED, Cause.CONNECTION),
    **_means([40115, 40116, 40117, 40131], REFUSED, Cause.CONNECTION),
    **_means([40001, 40118, 40124, 40125, 41000], REFUSED, Cause.PERMISSION),
    **_means([40300, 40301], REFUSED, Cause.AD_ACCOUNT),
    **_means([40007], REFUSED, Cause.AUDIENCE),
    **_means([40000, 40002], REFUSED, Cause.ROWS),
    **_means([40011], REFUSED, Cause.SIZE),
    # Wrong version, address or host: halving cannot help, every request would be refused.
    **_means([40006, 40010, 40051, 41001, 41002], REFUSED, Cause.OURS),
    **_means([40008, 40009, 40013, 40014], REFUSED, Cause.OURS),
    # "Duplicated requests" may speak of one that was never acknowledged: not a success.
    **_means([40050, 40200, 40201, 40202, 40700, 50000, 50002, 51305], UNKNOWN, Cause.SERVER),
    **_means([40114, 40120], UNKNOWN, Cause.CONNECTION, SDK),
    **_means([40003, 40130, 40309], UNKNOWN, Cause.PERMISSION, SDK),
    **_means([40061], UNKNOWN, Cause.SIZE, SDK),
    **_means([40062], UNKNOWN, Cause.ROWS, SDK),
    **_means([61000], UNKNOWN, Cause.THROTTLED_APP, SDK),
    **_means([70001], UNKNOWN, Cause.SERVER, SDK),
}
SERVER_CODES: Final = range(50_000, 60_000)
_NOT_NOW = re.compile(r"not editable|being updated", re.IGNORECASE)
_PERSONAL = re.compile(
    r"[0-9a-fA-F]{32,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-\w{12}|\S+@\S+|\+\d{6,}"
)
_REQUEST_REF = re.compile(r"[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Envelope:
    """TikTok's frame around every answer. `code` is None when it is no integer."""

    code: int | None
    message: str
    request_id: str
    data: Any
    whole: bool  # message and request_id are texts, as in every true success


def read_mapping(reply: HttpReply | NoAnswer) -> Answer:
    """What became of a mapping call. Its success carries no data: one that does is no success that
    we know, since it may name what was left out."""
    answer, envelope = read(reply)
    if answer.applied and envelope is not None and envelope.data not in (None, {}):
        return _unknown(Cause.CONTRACT, "success with data that is not documented", envelope)
    return answer


def read(reply: HttpReply | NoAnswer) -> tuple[Answer, Envelope | None]:
    """What an answer means, and its envelope if it has one. Total: never raises."""
    if isinstance(reply, NoAnswer):
        kind = REFUSED if reply.before_first_byte else UNKNOWN
        return Answer(kind, Cause.NETWORK, message=reply.why), None
    if (fault := _by_transport(reply)) is not None:
        return fault, None
    envelope, problem = _open(reply)
    if envelope is None:
        return _without_envelope(reply.status, problem), None
    if envelope.code is None:
        answer = _unknown(Cause.CONTRACT, problem, envelope)
    elif envelope.code == 0:
        answer = _success(reply.status, envelope)
    elif reply.status == 200 or 400 <= reply.status < 500:
        answer = _by_code(envelope.code, envelope)
    else:
        answer = _unknown(Cause.CONTRACT, f"HTTP {reply.status}", envelope)
    return answer, envelope


def _by_transport(reply: HttpReply) -> Answer | None:
    """What is plain before the body is read; its body may say what it likes."""
    if reply.cut:
        return _unknown(Cause.CONTRACT, "the answer is too long")
    if reply.status >= 500:
        return _unknown(Cause.SERVER, f"HTTP {reply.status}", pause_s=_retry_after(reply))
    if reply.status == 429:
        pause_s = _retry_after(reply) or PAUSE_S[Cause.THROTTLED_APP]
        return _unknown(Cause.THROTTLED_APP, "HTTP 429", pause_s=pause_s)
    return None


def _success(status: int, envelope: Envelope) -> Answer:
    if status != 200:
        return _unknown(Cause.CONTRACT, f"code 0 under HTTP {status}", envelope)
    if not envelope.whole:
        return _unknown(Cause.CONTRACT, "code 0 without message and request_id", envelope)
    message = "" if envelope.message == "OK" else envelope.message
    return Answer(AnswerKind.APPLIED, Cause.NONE, 0, message, envelope.request_id)


def _by_code(code: int, envelope: Envelope) -> Answer:
    found = CODES.get(code)
    if found is None:
        cause = Cause.SERVER if code in SERVER_CODES else Cause.CONTRACT
        found = Meaning(UNKNOWN, cause, "")
    cause = found.cause
    if code == 40002 and _NOT_NOW.search(envelope.message):
        cause = Cause.AUDIENCE
    return Answer(
        found.kind, cause, code, envelope.message, envelope.request_id, PAUSE_S.get(cause)
    )


def _without_envelope(status: int, fault: str) -> Answer:
    if status in (404, 405):  # plain text: it never reached the API (D 1737172488964097)
        message = f"HTTP {status}: wrong base address, or a slash is missing"
        return Answer(REFUSED, Cause.OURS, None, message, "", PAUSE_S[Cause.OURS])
    if status != 200:
        fault = f"HTTP {status}"  # 401 or 403 of a proxy says nothing about the token
    return _unknown(Cause.CONTRACT, fault)


def _unknown(
    cause: Cause, message: str, envelope: Envelope | None = None, pause_s: float | None = None
) -> Answer:
    code, ref = (envelope.code, envelope.request_id) if envelope else (None, "")
    return Answer(UNKNOWN, cause, code, message, ref, pause_s)


def _open(reply: HttpReply) -> tuple[Envelope | None, str]:
    """The envelope, or what is wrong with the body. By the body, whatever Content-Type says."""
    if reply.headers.get("content-encoding", "identity").lower() != "identity":
        return None, "the answer is encoded, which was not asked for"
    try:
        found = json.loads(
            reply.body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        return None, "the answer is not JSON"
    if not isinstance(found, dict) or "code" not in found:
        return None, "the answer has no code"
    code, message, ref = found["code"], found.get("message"), found.get("request_id")
    texts = isinstance(message, str) and isinstance(ref, str)
    integer = isinstance(code, int) and not isinstance(code, bool)
    fault = "" if integer else f"code is no integer: {clean(json.dumps(code))[:40]}"
    envelope = Envelope(
        code if integer else None, clean(message), _request_ref(ref), found.get("data"), texts
    )
    return envelope, fault


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def clean(text: object) -> str:
    """TikTok's text, fit for a log: one line, capped, without what could name a person."""
    if not isinstance(text, str):
        return ""
    line = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * MESSAGE_CHARS_MAX])
    return _PERSONAL.sub("[…]", line)[:MESSAGE_CHARS_MAX].strip()


def _request_ref(ref: object) -> str:
    """The request's id if it looks like one: it is shown, and quoted to TikTok's support."""
    if isinstance(ref, str) and len(ref) <= REQUEST_REF_CHARS_MAX and _REQUEST_REF.fullmatch(ref):
        return ref
    return ""


def _retry_after(reply: HttpReply) -> float | None:
    """Retry-After in seconds, at most an hour. A date is not read: that would need a clock."""
    text = reply.headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    return min(float(text), RETRY_AFTER_S_MAX)
