"""The endpoints for audiences and their members (tiktok-api, sections 4 and 6)."""

from functools import partial
from typing import Any, Literal

import msgspec

from towpath.sandbox import mapping
from towpath.sandbox.endpoint import Act, Ask, require
from towpath.sandbox.envelope import RefusalError, gmt
from towpath.sandbox.mapping import Batch
from towpath.sandbox.world import Audience, World

NAME_CHARS_MAX = 70


class _SegmentBody(msgspec.Struct):
    advertiser_id: str | int = ""
    action: Literal["create", "delete"] = "create"
    custom_audience_name: str = ""
    delete_audience_id: str | int = ""


def segment(world: World, ask: Ask) -> Act:
    """POST segment/audience/: create an audience for mappings, or delete one."""
    body = ask.body(_SegmentBody)
    advertiser_id = str(body.advertiser_id)
    require(advertiser_id=advertiser_id)
    world.advertiser(ask.grant, advertiser_id)
    pace = ("audience", advertiser_id, world.rules.audience_per_advertiser_per_s)
    if body.action == "delete":
        require(delete_audience_id=str(body.delete_audience_id))
        audience = _owned(world, str(body.delete_audience_id), advertiser_id)
        act = partial(world.drop_audience, audience.audience_id)
    else:
        require(custom_audience_name=body.custom_audience_name.strip())
        _refuse_one_too_many(world, advertiser_id)
        audience = world.new_audience(advertiser_id, cut(body.custom_audience_name), ask.now)
        act = partial(world.audiences.__setitem__, audience.audience_id, audience)
    return Act(
        {"audience_id": audience.audience_id},
        commit=lambda at: world.timeline.put(at, act),
        paced=(pace,),
        action=body.action,
        audiences=(audience.audience_id,),
    )


def cut(name: str) -> str:
    """A name over 70 characters is cut to 67 and three dots (documented)."""
    return name if len(name) <= NAME_CHARS_MAX else f"{name[: NAME_CHARS_MAX - 3]}..."


def _refuse_one_too_many(world: World, advertiser_id: str) -> None:
    own = sum(each.advertiser_id == advertiser_id for each in world.audiences.values())
    if own >= world.rules.audiences_per_advertiser:
        raise RefusalError(
            40002, f"At most {world.rules.audiences_per_advertiser} audiences in an ad account."
        )


def _owned(world: World, audience_id: str, advertiser_id: str) -> Audience:
    audience = world.audience(audience_id)
    if audience.advertiser_id != advertiser_id:
        raise RefusalError(40002, f"Audience {audience_id} belongs to another advertiser.")
    return audience


def map_people(world: World, ask: Ask) -> Act:
    """POST segment/mapping/: add people to audiences, or delete them, all or nothing."""
    body = mapping.decode(ask.call.body)
    advertisers = mapping.advertisers_of(body)
    accounts = [world.advertiser(ask.grant, each) for each in advertisers]
    if len({account.business_id for account in accounts}) > 1:
        raise RefusalError(40002, "advertiser_ids: must all belong to one business.")
    batch = mapping.check(body, world.rules)
    for audience_id in batch.audiences:
        _refuse_unfit(world, audience_id, advertisers, ask.now)
    limit = world.rules.mapping_per_advertiser_per_s
    return Act(
        {},
        commit=partial(_schedule, world, batch),
        paced=tuple(("mapping", each, limit) for each in dict.fromkeys(advertisers)),
        batch=batch,
        action=batch.action,
        audiences=tuple(batch.audiences),
    )


def _refuse_unfit(world: World, audience_id: str, advertisers: list[str], now: float) -> None:
    audience = world.audience(audience_id)
    if audience.advertiser_id not in advertisers:
        raise RefusalError(40002, f"Audience {audience_id} belongs to none of advertiser_ids.")
    expired = now >= audience.changed_at + world.rules.audience_life_s
    if audience.kind != "Partner" or expired:
        raise RefusalError(40002, "Audience is not editable, please check audience status.")


def _schedule(world: World, batch: Batch, accepted_at: float) -> float:
    effect_at = accepted_at + world.spread(world.rules.processing_s)
    return world.timeline.put(effect_at, partial(_apply, world, batch, effect_at))


def _apply(world: World, batch: Batch, at: float) -> None:
    for (audience_id, field), packed in batch.parts.items():
        audience = world.audiences.get(audience_id)
        if audience is not None:
            audience.changed_at = max(audience.changed_at, at)
            change = world.membership.add if batch.action == "add" else world.membership.remove
            change(audience_id, field, packed)


def listing(world: World, ask: Ask) -> Act:
    """GET dmp/custom_audience/list/: an ad account's audiences in pages, newest first."""
    advertiser_id = ask.required("advertiser_id")
    world.advertiser(ask.grant, advertiser_id)
    page = ask.number("page", 1, 1, 10**9)
    size = ask.number("page_size", 10, 1, 100)
    wanted = set(ask.texts("custom_audience_ids"))
    found = [
        audience
        for audience in reversed(world.audiences.values())
        if audience.advertiser_id == advertiser_id
        and (not wanted or audience.audience_id in wanted)
    ]
    page_info = {
        "page": page,
        "page_size": size,
        "total_number": len(found),
        "total_page": -(-len(found) // size),
    }
    shown = found[(page - 1) * size : page * size]
    rows = [_summary(world, audience, ask.now) for audience in shown]
    return Act({"list": rows, "page_info": page_info})


def _summary(world: World, audience: Audience, now: float) -> dict[str, Any]:
    size = world.size(audience)
    expires_at = audience.changed_at + world.rules.audience_life_s
    expired = now >= expires_at
    return {
        "audience_id": audience.audience_id,
        "name": audience.name,
        "audience_type": audience.kind,
        "calculate_type": "MULTIPLE_TYPES",
        "cover_num": 0 if expired else size,
        "create_time": gmt(audience.created_at),
        "expired_time": gmt(expires_at),
        "is_valid": not expired and size >= world.rules.usable_size,
        "is_expiring": not expired and now >= expires_at - world.rules.expiring_s,
        "is_creator": True,
        "shared": False,
    }


def details(world: World, ask: Ask) -> Act:
    """GET dmp/custom_audience/get/: up to 100 audiences with their history."""
    advertiser_id = ask.required("advertiser_id")
    world.advertiser(ask.grant, advertiser_id)
    wanted = ask.texts("custom_audience_ids")
    if not wanted:
        raise RefusalError(40002, "Missing required field(s): custom_audience_ids.")
    found = [_owned(world, audience_id, advertiser_id) for audience_id in wanted]
    return Act({"list": [_detail(world, audience, ask.now) for audience in found]})


def _detail(world: World, audience: Audience, now: float) -> dict[str, Any]:
    summary = _summary(world, audience, now)
    return {
        "audience_details": {
            **{name: value for name, value in summary.items() if name != "audience_type"},
            "type": audience.kind,
            "audience_sub_type": "NORMAL",
            "owner_id": audience.advertiser_id,
            "rule": '{"inclusions": null, "exclusions": null}',
            "is_auto_refresh": False,
            "msg": None,
            "error_msg": None,
            "lookalike_spec": None,
        },
        "audience_history": [
            {
                "action": "create",
                "action_detail": "0",
                "editor": "open_api",
                "msg": None,
                "opt_time": gmt(audience.created_at),
            }
        ],
    }
