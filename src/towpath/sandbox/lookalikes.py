"""Lookalike audiences: made of another audience, and computed again on demand (tiktok-api 6)."""

from functools import partial
from typing import Literal

import msgspec

from towpath.sandbox.audiences import owned, refuse_one_too_many
from towpath.sandbox.customer_files import check_name
from towpath.sandbox.effects import Grown, Made
from towpath.sandbox.endpoint import Act, Ask, require
from towpath.sandbox.envelope import RefusalError
from towpath.sandbox.records import LOOKALIKE, Audience
from towpath.sandbox.world import World

TIMES = {"NARROW": 10, "BALANCED": 50, "BROAD": 200}
"""How many people a lookalike has for each of its source's (chosen)."""


class _Spec(msgspec.Struct):
    source_audience_id: str | int
    include_source: bool
    mobile_os: Literal["ALL", "ANDROID", "IOS"]
    placements: list[Literal["TikTok", "TopBuzz & BuzzVideo", "Pangle"]]
    location_ids: list[str | int]
    audience_size: Literal["NARROW", "BALANCED", "BROAD"]


class _CreateBody(msgspec.Struct):
    advertiser_id: str | int = ""
    custom_audience_name: str = ""
    lookalike_spec: _Spec | None = None


def create(world: World, ask: Ask) -> Act:
    """POST dmp/custom_audience/lookalike/create/: of an audience with at least 100 people that is
    no lookalike itself (documented)."""
    body = ask.body(_CreateBody)
    advertiser_id, spec = str(body.advertiser_id), body.lookalike_spec
    require(advertiser_id=advertiser_id, custom_audience_name=body.custom_audience_name.strip())
    if spec is None or not spec.placements or not spec.location_ids:
        raise RefusalError(40002, "Missing required field(s): lookalike_spec.")
    world.editor(ask.grant, advertiser_id)
    check_name(body.custom_audience_name)
    refuse_one_too_many(world, advertiser_id)
    source = owned(world, str(spec.source_audience_id), advertiser_id)
    if source.kind == LOOKALIKE:
        raise RefusalError(40002, "source_audience_id: must not be a lookalike.")
    least = world.rules.lookalike_source_least
    if world.size(source) < least:
        raise RefusalError(40002, f"source_audience_id: the audience needs at least {least} users.")
    name = body.custom_audience_name
    audience = world.new_audience(advertiser_id, name, ask.now, LOOKALIKE)
    audience.lookalike = {**msgspec.to_builtins(spec), "source_audience_id": source.audience_id}
    return Act(
        {"custom_audience_id": audience.audience_id},
        commit=partial(_make, world, audience),
        action="create",
        audiences=(audience.audience_id,),
    )


def _make(world: World, audience: Audience, at: float) -> float:
    world.timeline.put(at, Made(audience))
    return _compute(world, audience, "create", at)


def _compute(world: World, audience: Audience, action: str, at: float) -> float:
    spec = audience.lookalike or {}
    source = world.audiences.get(str(spec.get("source_audience_id")))
    people = world.size(source) if source else 0
    size = people * TIMES[str(spec.get("audience_size", "NARROW"))]
    effect_at = at + world.spread(world.rules.processing_s)
    return world.timeline.put(effect_at, Grown(audience.audience_id, size, action))


class _RefreshBody(msgspec.Struct):
    advertiser_id: str | int = ""
    custom_audience_ids: list[str | int] = []


def refresh(world: World, ask: Ask) -> Act:
    """POST dmp/custom_audience/lookalike/update/: compute lookalikes again."""
    body = ask.body(_RefreshBody)
    advertiser_id = str(body.advertiser_id)
    wanted = [str(each) for each in body.custom_audience_ids]
    require(advertiser_id=advertiser_id, custom_audience_ids=",".join(wanted))
    world.editor(ask.grant, advertiser_id)
    found = [owned(world, each, advertiser_id) for each in wanted]
    if any(each.kind != LOOKALIKE for each in found):
        raise RefusalError(40002, "custom_audience_ids: must all be lookalikes.")
    return Act(
        {},
        commit=lambda at: max(_compute(world, each, "modify", at) for each in found),
        action="refresh",
        audiences=tuple(wanted),
    )
