"""Audiences shared with other ad accounts of the same business, and the log (tiktok-api 6)."""

from functools import partial

import msgspec

from towpath.sandbox.audiences import owned
from towpath.sandbox.endpoint import Act, Ask, require
from towpath.sandbox.envelope import RefusalError, gmt
from towpath.sandbox.records import Audience, Share
from towpath.sandbox.world import World

AT_ONCE_MAX = 10


class _ShareBody(msgspec.Struct):
    advertiser_id: str | int = ""
    custom_audience_ids: list[str | int] = []
    shared_advertiser_ids: list[str | int] = []


def share(world: World, ask: Ask) -> Act:
    """POST dmp/custom_audience/share/: at most 10 audiences with at most 10 ad accounts."""
    body = ask.body(_ShareBody)
    advertiser_id = str(body.advertiser_id)
    audiences = [str(each) for each in body.custom_audience_ids]
    others = [str(each) for each in body.shared_advertiser_ids]
    require(
        advertiser_id=advertiser_id,
        custom_audience_ids=",".join(audiences),
        shared_advertiser_ids=",".join(others),
    )
    if max(len(audiences), len(others)) > AT_ONCE_MAX:
        raise RefusalError(40002, f"At most {AT_ONCE_MAX} audiences and advertisers in a request.")
    own = world.editor(ask.grant, advertiser_id)
    found = [owned(world, each, advertiser_id) for each in audiences]
    for each in others:
        other = world.advertisers.get(each)
        if other is None or other.business_id != own.business_id or each == advertiser_id:
            raise RefusalError(40002, "shared_advertiser_ids: must be others of your business.")
    commit = partial(_share, world, found, others)
    return Act({}, commit=commit, action="share", audiences=tuple(audiences))


def _share(world: World, audiences: list[Audience], others: list[str], at: float) -> float:
    for audience in audiences:
        for other in others:
            if other not in audience.shared_with:
                audience.shared_with.append(other)
                world.shares.append(
                    Share(audience.audience_id, audience.advertiser_id, other, "SHARE", at)
                )
    return at


class _CancelBody(msgspec.Struct):
    advertiser_id: str | int = ""
    custom_audience_id: str | int = ""
    shared_advertiser_id: str | int = ""


def cancel(world: World, ask: Ask) -> Act:
    """POST dmp/custom_audience/share/cancel/: one audience, one ad account."""
    body = ask.body(_CancelBody)
    advertiser_id, other = str(body.advertiser_id), str(body.shared_advertiser_id)
    audience_id = str(body.custom_audience_id)
    require(advertiser_id=advertiser_id, custom_audience_id=audience_id, shared_advertiser_id=other)
    world.editor(ask.grant, advertiser_id)
    audience = owned(world, audience_id, advertiser_id)
    if other not in audience.shared_with:
        raise RefusalError(40002, "The audience is not shared with this advertiser.")
    commit = partial(_cancel, world, audience, other)
    return Act({}, commit=commit, action="cancel", audiences=(audience_id,))


def _cancel(world: World, audience: Audience, other: str, at: float) -> float:
    if other in audience.shared_with:
        audience.shared_with.remove(other)
        for group in world.adgroups.values():
            if group.advertiser_id == other:
                group.uses.pop(audience.audience_id, None)
        world.shares.append(
            Share(audience.audience_id, audience.advertiser_id, other, "CANCEL", at)
        )
    return at


def log(world: World, ask: Ask) -> Act:
    """GET dmp/custom_audience/share/log/: with whom one audience was shared (shape chosen)."""
    advertiser_id = ask.required("advertiser_id")
    world.advertiser(ask.grant, advertiser_id)
    audience_id = ask.required("custom_audience_id")
    owned(world, audience_id, advertiser_id)
    found = [
        {
            "audience_id": each.audience_id,
            "shared_advertiser_id": each.shared_advertiser_id,
            "shared_advertiser_name": world.advertisers[each.shared_advertiser_id].name,
            "action": each.action,
            "create_time": gmt(each.at),
        }
        for each in reversed(world.shares)
        if each.audience_id == audience_id
    ]
    return Act({"list": found})
