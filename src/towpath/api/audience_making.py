"""Audiences at the partner: listed, made once, taken as they are, deleted. No transaction is open
while the partner is asked.

A name is reserved before it is asked for (`store/audience_listings.py`): of two clicks at once one
asks and the other gets what came of it. After a call whose answer was lost, whoever comes next only
looks, until the call cannot come true any more (invariant I-33).
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import fields, replace

from towpath.api.reach import DEADLINE_S, Place, Reach, in_words, remedy_of
from towpath.clock import Instant, seconds
from towpath.errors import ConflictError, NotFoundError, PartnerError
from towpath.ids import AudienceId, PartnerRef
from towpath.limits import AUDIENCE_MAKING_S, AUDIENCE_UNSURE_S
from towpath.partners.protocol import (
    Answer,
    AnswerKind,
    Cause,
    Created,
    Listed,
    Lookalike,
    PartnerAudience,
)
from towpath.partners.registry import adapter
from towpath.partners.tiktok import problems
from towpath.partners.tiktok.client import audience_name
from towpath.partners.tiktok.problems import Problem
from towpath.store import audience_listings, audiences, connections
from towpath.store.audience_listings import Line, Name
from towpath.store.database import Db

CREATE_TRIES = 6
WAIT_S = 0.2
THROTTLED = (Cause.THROTTLED_APP, Cause.THROTTLED_ACCOUNT)
UNUSED = "`towpath audience unused` shows audiences that could go."
KEPT = (Cause.ROWS, Cause.AUDIENCE)
APPLIED = (
    "It is kept while an ad group uses it: take it out of its ad groups in Ads Manager, then delete"
    " it again."
)
"""TikTok documents no code for it; these are how it refuses what is asked."""

_LINE = [one.name for one in fields(Line)]


async def look(db: Db, place: Place, reach: Reach, now: Instant) -> Listed:
    """List the ad account's audiences at the partner, and keep the list when it is whole."""
    door, base_url, token = place.open(db, reach)
    listed = await place.adapter.list_audiences(
        door, base_url, token, ad_account_ref=place.account.partner_ref, deadline_s=DEADLINE_S
    )
    if listed.answer.applied:
        every = (*listed.audiences, *listed.others)
        audience_listings.replace(db, place.workspace, place.account.id, map(_line, every), now)
    return listed


async def refresh(db: Db, place: Place, reach: Reach, now: Instant) -> Listed:
    """As `look`. Raises PartnerError when the partner does not tell."""
    listed = await look(db, place, reach, now)
    if not listed.answer.applied:
        raise PartnerError(
            f"{place.partner} did not list its audiences: {in_words(listed.answer)}.",
            remedy=remedy_of(listed.answer, "Try again."),
        )
    return listed


async def make(db: Db, place: Place, name: str, reach: Reach, now: Instant) -> AudienceId:
    """The audience of that name that takes syncs: one that is known, one that the partner has, or a
    new one. Raises InputError for a name that cannot be, PartnerError when it does not come."""
    door, base_url, token = place.open(db, reach)

    async def ask() -> Created:
        created = await place.adapter.create_audience(
            door,
            base_url,
            token,
            ad_account_ref=place.account.partner_ref,
            name=name,
            deadline_s=DEADLINE_S,
        )
        if problems.read(created.answer.cause, created.answer.code)[0] is Problem.NOT_ALLOWLISTED:
            raise _NotAllowlistedError
        return created

    def known() -> AudienceId | None:
        named = audiences.find_by_name(db, place.workspace, place.account.id, name)
        return named[0].id if named else None

    if (there := known()) is not None:
        return there
    if place.connection.by_files:
        return await _name(db, place, name, reach, now)
    try:
        made = await _once(db, place, name, reach, now, (ask, known, _fillable))
    except _NotAllowlistedError:
        connections.set_transport(db, place.connection, now, by_files=True)
        by_files = replace(place, connection=replace(place.connection, by_files=True))
        return await _name(db, by_files, name, reach, now)
    if isinstance(made, int):
        return made
    found = made.audience
    assert found is not None
    _check_same(db, place, found.partner_ref, name)
    return audiences.ensure(
        db,
        place.workspace,
        place.account.id,
        found.partner_ref,
        name,
        created_here=not made.existed,
        now=now,
    )


class _NotAllowlistedError(Exception):
    """The app may not stream."""


async def _name(db: Db, place: Place, name: str, reach: Reach, now: Instant) -> AudienceId:
    """An audience of Customer Files, which TikTok makes of people only: here it has its name until
    its first file leaves. One of that name at the partner would become its double."""
    name = audience_name(name)
    found = _newest((await refresh(db, place, reach, now)).audiences, name)
    if found is not None:
        return await adopt(db, place, found.partner_ref, reach, now)
    return audiences.ensure(
        db,
        place.workspace,
        place.account.id,
        PartnerRef(audiences.UNMADE + name),
        name,
        created_here=True,
        now=now,
        by_files=True,
    )


async def make_lookalike(
    db: Db, place: Place, wanted: Lookalike, reach: Reach, now: Instant
) -> PartnerRef:
    """Make a lookalike of that name, once, and give its id at the partner. Raises InputError for
    what cannot be, PartnerError when it does not come."""
    door, base_url, token = place.open(db, reach)

    async def ask() -> Created:
        return await place.adapter.create_lookalike(
            door,
            base_url,
            token,
            ad_account_ref=place.account.partner_ref,
            wanted=wanted,
            deadline_s=DEADLINE_S,
        )

    steps = (ask, lambda: None, lambda listed: listed.others)
    made = await _once(db, place, wanted.name, reach, now, steps)
    assert not isinstance(made, int)
    assert made.audience is not None
    return made.audience.partner_ref


async def adopt(db: Db, place: Place, ref: PartnerRef, reach: Reach, now: Instant) -> AudienceId:
    """An audience that others made: it may hold anybody. Raises NotFoundError."""
    known = audiences.find_by_ref(db, place.workspace, place.account.id, ref)
    if known is not None:
        return known.id
    for one in (await refresh(db, place, reach, now)).audiences:
        if one.partner_ref == ref:
            return audiences.ensure(
                db,
                place.workspace,
                place.account.id,
                ref,
                one.name,
                created_here=False,
                now=now,
                by_files=place.connection.by_files,
            )
    raise NotFoundError(
        f"The ad account has no audience {ref} that can be filled.",
        remedy="Only audiences made for streaming can take a sync; create one in the step.",
        field="audience.id",
    )


async def delete(db: Db, place: Place, audience: AudienceId, reach: Reach, now: Instant) -> None:
    """Delete an audience that Towpath made and nothing uses. Raises NotFoundError, ConflictError
    when it may not go, PartnerError when the partner keeps it."""
    found = audiences.read(db, place.workspace, audience)
    if found.ad_account != place.account.id:
        raise NotFoundError("There is no such audience in this workspace.")
    if not found.created_here:
        raise ConflictError(
            f"Towpath did not make {found.name!r}; others may count on it.",
            remedy="Delete it in Ads Manager.",
        )
    if users := audiences.users(db, place.workspace, audience):
        raise ConflictError(
            f"{found.name!r} is used by {', '.join(users[:3])}.", remedy="Take it out there first."
        )
    if not found.made:
        audiences.note_deleted(db, audience, now)
        return
    door, base_url, token = place.open(db, reach)
    partner = adapter(place.partner, by_files=found.by_files)

    async def ask() -> Created:
        return Created(
            await partner.delete_audience(
                door,
                base_url,
                token,
                ad_account_ref=place.account.partner_ref,
                audience_ref=found.partner_ref,
                deadline_s=DEADLINE_S,
            )
        )

    answer = (await _patiently(ask)).answer
    if answer.kind is AnswerKind.UNKNOWN:
        listed = await refresh(db, place, reach, now)
        if all(one.partner_ref != found.partner_ref for one in listed.audiences):
            answer = listed.answer
    if not answer.applied:
        raise PartnerError(
            f"{place.partner} did not delete {found.name!r}: {in_words(answer)}.",
            remedy=remedy_of(answer, APPLIED if answer.cause in KEPT else "Try again."),
        )
    with db.transaction():
        audiences.note_deleted(db, audience, now)
        audience_listings.remove(db, place.account.id, found.partner_ref)


Steps = tuple[
    Callable[[], Awaitable[Created]],
    Callable[[], AudienceId | None],
    Callable[[Listed], Iterable[PartnerAudience]],
]
"""How to ask for it, whether it is known by now, and which of a list it may be among."""


async def _once(
    db: Db, place: Place, name: str, reach: Reach, now: Instant, steps: Steps
) -> Created | AudienceId:
    """Ask for it under its name's reservation; or what another made of it meanwhile."""
    ask, known, among = steps
    wanted = Name(place.partner, place.account.partner_ref, name, secrets.token_hex(8))
    patience = now + seconds(AUDIENCE_MAKING_S)
    taken, unsure = wanted.reserve(db, patience, now)
    while not taken:
        await asyncio.sleep(WAIT_S)
        now += seconds(WAIT_S)
        if (there := known()) is not None:
            return there
        if now > patience:
            raise _unsure(place, name, now)
        taken, unsure = wanted.reserve(db, now + seconds(AUDIENCE_MAKING_S), now)
    try:
        if unsure is not None and unsure > now:
            found = _newest(among(await refresh(db, place, reach, now)), name)
            if found is None:
                raise _unsure(place, name, unsure)  # noqa: TRY301 - whoever fails lets go
            created = Created(Answer(AnswerKind.APPLIED, Cause.NONE), found)
        else:
            wanted.note_unsure(db, now + seconds(AUDIENCE_UNSURE_S))
            created = await _patiently(ask)
            if unsure is not None:  # ours, of which no answer came
                created = replace(created, existed=False)
        if created.audience is None and created.asked and created.answer.kind is AnswerKind.UNKNOWN:
            raise _unsure(place, name, now + seconds(AUDIENCE_UNSURE_S))  # noqa: TRY301
    except BaseException:
        wanted.let_go(db, now)
        raise
    wanted.free(db)
    if created.audience is None:
        raise PartnerError(
            f"{place.partner} did not create the audience {name!r}: {in_words(created.answer)}.",
            remedy=remedy_of(created.answer, f"Try again; it is created once. {UNUSED}"),
        )
    audience_listings.add(db, place.workspace, place.account.id, _line(created.audience))
    return created


async def _patiently(ask: Callable[[], Awaitable[Created]]) -> Created:
    """TikTok makes, or deletes, one audience a second for an ad account."""
    for _ in range(CREATE_TRIES - 1):
        created = await ask()
        if created.answer.cause not in THROTTLED:
            return created
        await asyncio.sleep(created.answer.pause_s or 1.0)
    return await ask()


def _unsure(place: Place, name: str, until: Instant) -> PartnerError:
    return PartnerError(
        f"It is not known whether {place.partner} made the audience {name!r}: no answer came.",
        remedy="Try again: it is looked for, and made anew only after"
        f" {until:%H:%M:%S} UTC, so that there are never two.",
    )


def _newest(found: Iterable[PartnerAudience], name: str) -> PartnerAudience | None:
    named = [one for one in found if one.name == name]
    return max(named, key=lambda one: int(one.partner_ref), default=None)


def _fillable(listed: Listed) -> Iterable[PartnerAudience]:
    return listed.audiences


def _line(one: PartnerAudience) -> Line:
    return Line(**{name: getattr(one, name) for name in _LINE})


def _check_same(db: Db, place: Place, ref: PartnerRef, name: str) -> None:
    """A partner never gives an id twice: under another name it would bring another's ledger along,
    and people who stand there as added would never be sent."""
    known = audiences.find_by_ref(db, place.workspace, place.account.id, ref)
    if known is None or known.name == name:
        return
    raise PartnerError(
        f"The new audience {name!r} got the id {ref}, which we know as {known.name!r} already.",
        remedy="That happens when a sandbox was started again: it forgets its audiences and gives"
        " the same ids. Start it with another --seed and connect again, or use a fresh data_dir. If"
        f' the audience was renamed at the partner, write {{id: "{ref}"}}.',
        field="audience",
    )
