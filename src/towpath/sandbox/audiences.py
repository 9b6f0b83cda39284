"""The endpoints for audiences and their members (tiktok-api, sections 4 and 6)."""

from functools import partial
from typing import Any, Literal

import msgspec

from towpath.sandbox import mapping
from towpath.sandbox.effects import Effect, Gone, Made, Mapped
from towpath.sandbox.endpoint import Act, Ask, require
from towpath.sandbox.envelope import RefusalError, gmt
from towpath.sandbox.mapping import Batch
from towpath.sandbox.records import CUSTOMER_FILE, PARTNER, Audience, Event
from towpath.sandbox.world import World

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
    world.editor(ask.grant, advertiser_id)
    pace = ("audience", advertiser_id, world.rules.audience_per_advertiser_per_s)
    if body.action == "delete":
        require(delete_audience_id=str(body.delete_audience_id))
        audience = owned(world, str(body.delete_audience_id), advertiser_id, detached=True)
        if audience.kind != PARTNER:
            raise RefusalError(40002, "Only audiences made by segment/audience/ are deleted here.")
        effect: Effect = Gone([audience.audience_id])
    else:
        require(custom_audience_name=body.custom_audience_name.strip())
        refuse_one_too_many(world, advertiser_id)
        audience = world.new_audience(advertiser_id, cut(body.custom_audience_name), ask.now)
        effect = Made(audience)
    return Act(
        {"audience_id": audience.audience_id},
        commit=lambda at: world.timeline.put(at, effect),
        paced=(pace,),
        action=body.action,
        audiences=(audience.audience_id,),
    )


def cut(name: str) -> str:
    """A name over 70 characters is cut to 67 and three dots (documented)."""
    return name if len(name) <= NAME_CHARS_MAX else f"{name[: NAME_CHARS_MAX - 3]}..."


def refuse_one_too_many(world: World, advertiser_id: str) -> None:
    """Raises RefusalError 40002 (chosen) when the ad account has all audiences it may have."""
    own = sum(each.advertiser_id == advertiser_id for each in world.audiences.values())
    if own >= world.rules.audiences_per_advertiser:
        raise RefusalError(
            40002, f"At most {world.rules.audiences_per_advertiser} audiences in an ad account."
        )


def owned(
    world: World, audience_id: str, advertiser_id: str, *, detached: bool = False
) -> Audience:
    """The ad account's own audience. Raises RefusalError: 40007 for none, 40002 (chosen) for
    another's, and for one that is applied to an ad group where it must be `detached`."""
    audience = world.audience(audience_id)
    if audience.advertiser_id != advertiser_id:
        raise RefusalError(40002, f"Audience {audience_id} belongs to another advertiser.")
    if detached and any(audience_id in group.uses for group in world.adgroups.values()):
        raise RefusalError(40002, f"Audience {audience_id} is applied to an ad group.")
    return audience


def not_editable() -> RefusalError:
    """TikTok's text (documented)."""
    return RefusalError(40002, "Audience is not editable, please check audience status.")


def map_people(world: World, ask: Ask) -> Act:
    """POST segment/mapping/: add people to audiences, or delete them, all or nothing."""
    body = mapping.decode(ask.call.body)
    advertisers = mapping.advertisers_of(body)
    accounts = [world.editor(ask.grant, each) for each in advertisers]
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
    if audience.kind != PARTNER or now >= world.expires_at(audience):
        raise not_editable()


def _schedule(world: World, batch: Batch, accepted_at: float) -> float:
    effect_at = accepted_at + world.spread(world.rules.processing_s)
    parts = [(audience_id, field, packed) for (audience_id, field), packed in batch.parts.items()]
    return world.timeline.put(effect_at, Mapped(batch.action, parts))


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
        if advertiser_id in (audience.advertiser_id, *audience.shared_with)
        and (not wanted or audience.audience_id in wanted)
    ]
    page_info = {
        "page": page,
        "page_size": size,
        "total_number": len(found),
        "total_page": -(-len(found) // size),
    }
    shown = found[(page - 1) * size : page * size]
    rows = [summary(world, audience, advertiser_id, ask.now) for audience in shown]
    return Act({"list": rows, "page_info": page_info})


def summary(world: World, audience: Audience, seen_by: str, now: float) -> dict[str, Any]:
    """An audience as the list shows it to an ad account, its own or one that shares it."""
    expires_at = world.expires_at(audience)
    expired = now >= expires_at
    size = 0 if expired else world.size(audience)
    if audience.kind == CUSTOMER_FILE and size < world.rules.usable_size:
        size = 0
    return {
        "audience_id": audience.audience_id,
        "name": audience.name,
        "audience_type": audience.kind,
        "calculate_type": audience.calculate_type,
        "cover_num": size,
        "create_time": gmt(audience.created_at),
        "expired_time": gmt(expires_at),
        "is_valid": size >= world.rules.usable_size,
        "is_expiring": not expired and now >= expires_at - world.rules.expiring_s,
        "is_creator": audience.advertiser_id == seen_by,
        "shared": bool(audience.shared_with),
    }


def details(world: World, ask: Ask) -> Act:
    """GET dmp/custom_audience/get/: up to 100 audiences with their history."""
    advertiser_id = ask.required("advertiser_id")
    world.advertiser(ask.grant, advertiser_id)
    wanted = ask.texts("custom_audience_ids")
    if not wanted:
        raise RefusalError(40002, "Missing required field(s): custom_audience_ids.")
    size = ask.number("history_size", 100, 1, 100)
    found = [_visible(world, audience_id, advertiser_id) for audience_id in wanted]
    return Act({"list": [_detail(world, each, advertiser_id, ask.now, size) for each in found]})


def _visible(world: World, audience_id: str, advertiser_id: str) -> Audience:
    audience = world.audience(audience_id)
    if advertiser_id in audience.shared_with:
        return audience
    return owned(world, audience_id, advertiser_id)


def _detail(
    world: World, audience: Audience, seen_by: str, now: float, size: int
) -> dict[str, Any]:
    shown = summary(world, audience, seen_by, now)
    history = audience.history or [Event("create", audience.created_at)]
    return {
        "audience_details": {
            **{name: value for name, value in shown.items() if name != "audience_type"},
            "type": audience.kind,
            "audience_sub_type": audience.sub_type,
            "owner_id": audience.advertiser_id,
            "rule": '{"inclusions": null, "exclusions": null}',
            "is_auto_refresh": False,
            "msg": None,
            "error_msg": audience.error_msg,
            "lookalike_spec": audience.lookalike,
        },
        "audience_history": [
            {
                "action": each.action,
                "action_detail": each.detail,
                "editor": "open_api",
                "msg": each.msg,
                "opt_time": gmt(each.at),
            }
            for each in list(reversed(history))[:size]
        ],
    }
