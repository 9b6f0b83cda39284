"""Why people of a step wait, in a person's words: what the store knows of breaks and pauses."""

from dataclasses import dataclass

from towpath.canvas.graph import Graph
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.clock import Instant
from towpath.ids import StepId
from towpath.partners.protocol import Cause
from towpath.store import troubles as stored
from towpath.store.database import Db

CONNECT = "`towpath connect tiktok`"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the people of a step wait, and what a person can do about it."""

    scope: str
    reason: str
    since: Instant | None
    partner_request_ref: str | None
    message: str
    remedy: str


ASK_ADMIN = "Ask the admin of the TikTok Business Center whether you may manage this ad account"
EVERY_MINUTE = f"{ASK_ADMIN}; it is tried again every minute."
BY_ITSELF = "It is tried again by itself."
SENTENCES: dict[str, tuple[str, str]] = {
    Cause.PERMISSION: (
        "TikTok denies the permission{}. Nothing is sent; people wait",
        EVERY_MINUTE,
    ),
    Cause.AD_ACCOUNT: ("TikTok has no such ad account any more{}. People wait", EVERY_MINUTE),
    Cause.AUDIENCE: (
        "TikTok has no such audience any more, or does not let it be edited{}. People wait",
        "If it was deleted there, stop the Canvas and name another audience.",
    ),
    Cause.THROTTLED_APP: ("TikTok asked to wait: too many requests{}", BY_ITSELF),
    Cause.THROTTLED_ACCOUNT: (
        "TikTok asked to wait: too many requests for this ad account{}",
        BY_ITSELF,
    ),
    Cause.MAINTENANCE: ("TikTok asked to wait: it is under maintenance{}", BY_ITSELF),
    Cause.OURS: (
        "TikTok does not know the address that was asked{}",
        "Check TOWPATH_TIKTOK_BASE_URL.",
    ),
    Cause.NETWORK: ("TikTok could not be reached, or did not answer in time{}", BY_ITSELF),
    Cause.SERVER: ("TikTok had a fault of its own{}", BY_ITSELF),
    Cause.CONTRACT: ("TikTok answered in a way that it does not document{}", BY_ITSELF),
    Cause.ROWS: ("TikTok did not accept something in the request{}", BY_ITSELF),
    Cause.SIZE: ("TikTok found the request too large{}", "It is tried again in smaller parts."),
    Cause.PARTIAL: ("TikTok applied only a part of the request{}", BY_ITSELF),
}
"""What a cause means for people who wait, and what to do; the code goes where the braces are."""


def troubles(db: Db, graph: Graph, now: Instant) -> dict[StepId, Trouble]:
    """By step of a launched graph: what keeps its people from being sent now. They stay pending."""
    steps = {
        step: settings.audience_id
        for step, settings in graph.steps.items()
        if isinstance(settings, AudienceSync) and settings.audience_id is not None
    }
    found = stored.of(db, set(steps.values()), now)
    return {step: _told(found[one]) for step, one in steps.items() if one in found}


def _told(found: stored.Trouble) -> Trouble:
    cause, _, code = found.reason.rstrip(")").partition(" (")
    told = f" (code {code})" if code else ""
    if found.scope == "connection":
        known = {"no token": "there is no token", "disconnected": "it was disconnected"}
        why = known.get(cause, "TikTok refuses its token or app")
        message = f"The connection is broken: {why}{told}. Nothing is sent; people wait"
        remedy = (
            f"Connect again: {CONNECT}. The admin of the TikTok Business Center can give a token."
        )
    else:
        sentence, remedy = SENTENCES.get(
            cause, ("TikTok did not accept the last request{}", BY_ITSELF)
        )
        message = sentence.format(told)
    since, ref = found.since, found.partner_request_ref
    return Trouble(found.scope, found.reason, since, ref, f"{message}.", remedy)
