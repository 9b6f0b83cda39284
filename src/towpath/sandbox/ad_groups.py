"""Audiences applied to ad groups, included or excluded, and the log of it (tiktok-api 6)."""

from functools import partial
from typing import Literal

import msgspec

from towpath.sandbox.audiences import not_editable, owned
from towpath.sandbox.endpoint import Act, Ask, require
from towpath.sandbox.envelope import RefusalError, gmt
from towpath.sandbox.records import AdGroup, Application, Audience
from towpath.sandbox.world import World


class _Body(msgspec.Struct):
    advertiser_id: str | int = ""
    custom_audience_id: str | int = ""
    adgroup_ids: list[str | int] = []
    action_mode: Literal["Apply", "Disconnect", ""] = ""
    usage_mode: Literal["Include", "Exclude", ""] = ""


def apply(world: World, ask: Ask) -> Act:
    """POST dmp/custom_audience/apply/: use an audience in ad groups, or stop using it."""
    body = ask.body(_Body)
    advertiser_id, audience_id = str(body.advertiser_id), str(body.custom_audience_id)
    wanted = [str(each) for each in body.adgroup_ids]
    require(
        advertiser_id=advertiser_id,
        custom_audience_id=audience_id,
        adgroup_ids=",".join(wanted),
        action_mode=body.action_mode,
    )
    if body.action_mode == "Apply":
        require(usage_mode=body.usage_mode)
    world.editor(ask.grant, advertiser_id)
    audience = world.audience(audience_id)
    if advertiser_id not in audience.shared_with:
        owned(world, audience_id, advertiser_id)
    if body.action_mode == "Apply" and ask.now >= world.expires_at(audience):
        raise not_editable()
    groups = [world.adgroups.get(each) for each in wanted]
    found = [each for each in groups if each and each.advertiser_id == advertiser_id]
    if len(found) < len(wanted):
        raise RefusalError(40007, "adgroup_ids: an ad group does not exist for this advertiser.")
    usage = body.usage_mode if body.action_mode == "Apply" else ""
    return Act(
        {},
        commit=partial(use, world, audience, found, usage),
        action=body.action_mode.lower(),
        audiences=(audience_id,),
    )


def use(world: World, audience: Audience, groups: list[AdGroup], usage: str, at: float) -> float:
    """Include or exclude the audience in the ad groups; no usage disconnects it."""
    for group in groups:
        if usage:
            group.uses[audience.audience_id] = usage
            audience.changed_at = max(audience.changed_at, at)
        else:
            group.uses.pop(audience.audience_id, None)
        world.applications.append(
            Application(audience.audience_id, group.adgroup_id, at, usage or "Disconnect")
        )
    return at


def log(world: World, ask: Ask) -> Act:
    """GET dmp/custom_audience/apply/log/: in which ad groups the own audiences are now."""
    advertiser_id = ask.required("advertiser_id")
    world.advertiser(ask.grant, advertiser_id)
    wanted = ask.texts("custom_audience_ids")
    if not wanted:
        raise RefusalError(40002, "Missing required field(s): custom_audience_ids.")
    for audience_id in wanted:
        owned(world, audience_id, advertiser_id)
    page, size = ask.number("page", 1, 1, 10**9), ask.number("page_size", 10, 1, 100)
    found = [
        {
            "audience_id": each.audience_id,
            "adgroup_id": each.adgroup_id,
            "adgroup_name": world.adgroups[each.adgroup_id].name,
            "action_timestamp": gmt(each.at),
            "editor": "open_api",
            "usage_mode": each.usage_mode,
        }
        for each in reversed(world.applications)
        if each.audience_id in wanted
        and world.adgroups[each.adgroup_id].uses.get(each.audience_id) == each.usage_mode
    ]
    page_info = {
        "page": page,
        "page_size": size,
        "total_number": len(found),
        "total_page": -(-len(found) // size),
    }
    return Act({"list": found[(page - 1) * size : page * size], "page_info": page_info})
