"""The Customer File API: files uploaded, and audiences made of them and updated by them.

Sizes, paces and the daily quota are documented (tiktok-api, section 6); codes that TikTok's pages
do not give are chosen, and docs/sandbox.md lists them.
"""

import hashlib
from dataclasses import replace
from functools import partial
from typing import Literal

import msgspec

from towpath.sandbox import file_lines, multipart
from towpath.sandbox.audiences import not_editable, owned, refuse_one_too_many
from towpath.sandbox.effects import MADE_TOO_SMALL, Filed, Gone, Made
from towpath.sandbox.endpoint import Act, Ask, require
from towpath.sandbox.envelope import RefusalError
from towpath.sandbox.records import CUSTOMER_FILE, LOOKALIKE, Audience, Event, UploadedFile
from towpath.sandbox.rules import DAY_S
from towpath.sandbox.world import World

NAME_CHARS_MAX = 128
PATHS_MAX = 500
ENDINGS = (".csv", ".txt")


def upload(world: World, ask: Ask) -> Act:
    """POST dmp/custom_audience/file/upload/: a file for audiences of this ad account."""
    if ask.call.oversize:
        raise RefusalError(40907)
    form = multipart.read(ask.call)
    advertiser_id, kind = form.texts.get("advertiser_id"), form.texts.get("calculate_type")
    signature = form.texts.get("file_signature", "")
    require(advertiser_id=advertiser_id, file_signature=signature, calculate_type=kind)
    advertiser_id, kind = str(advertiser_id), str(kind)
    world.editor(ask.grant, advertiser_id)
    if kind not in file_lines.TYPES:
        raise RefusalError(40002, f"calculate_type: must be among {', '.join(file_lines.TYPES)}.")
    if form.file is None:
        raise RefusalError(40905)
    if not form.file_name.endswith(ENDINGS):
        raise RefusalError(40908)
    if len(form.file) > world.rules.file_bytes_max:
        raise RefusalError(40907)
    if not form.file:
        raise RefusalError(40906)
    if hashlib.md5(form.file, usedforsecurity=False).hexdigest() != signature:
        raise RefusalError(40900)
    lines, parts = file_lines.read(form.file, kind)
    path = f"{advertiser_id}/{world.new_token()}{form.file_name[-4:]}"
    file = UploadedFile(path, advertiser_id, kind, ask.now, lines, parts)
    return Act(
        {"file_path": path},
        commit=partial(_keep, world, file),
        paced=(("upload", advertiser_id, world.rules.file_per_advertiser_per_s),),
        action="upload",
        people=lines,
    )


def _keep(world: World, file: UploadedFile, at: float) -> float:
    # Expired files are forgotten but for their path, which answers 40910.
    for old in world.files.values():
        if at - old.uploaded_at > world.rules.file_path_life_s:
            old.parts = {}
    world.files[file.path] = file
    return at


class _CreateBody(msgspec.Struct):
    advertiser_id: str | int = ""
    custom_audience_name: str = ""
    file_paths: list[str] = []
    calculate_type: str = ""
    audience_sub_type: Literal["NORMAL", "REACH_FREQUENCY"] = "NORMAL"
    retention_in_days: int | None = None


def create(world: World, ask: Ask) -> Act:
    """POST dmp/custom_audience/create/: an audience of files."""
    body = ask.body(_CreateBody)
    advertiser_id, name = str(body.advertiser_id), body.custom_audience_name
    require(
        advertiser_id=advertiser_id,
        custom_audience_name=name.strip(),
        file_paths=",".join(body.file_paths),
        calculate_type=body.calculate_type,
    )
    world.editor(ask.grant, advertiser_id)
    check_name(name)
    days = body.retention_in_days
    if days is not None and not 1 <= days <= 365:
        raise RefusalError(40002, "retention_in_days: must be a number from 1 to 365.")
    refuse_one_too_many(world, advertiser_id)
    parts, lines = _parts(world, body.file_paths, advertiser_id, body.calculate_type, ask.now)
    audience = world.new_audience(advertiser_id, name, ask.now, CUSTOMER_FILE)
    audience.calculate_type, audience.sub_type = body.calculate_type, body.audience_sub_type
    audience.retention_days = days
    return Act(
        {"custom_audience_id": audience.audience_id},
        commit=partial(_make, world, audience, parts),
        paced=(("file create", advertiser_id, world.rules.file_per_advertiser_per_s),),
        action="create",
        audiences=(audience.audience_id,),
        people=lines,
    )


def _make(world: World, audience: Audience, parts: dict[str, bytes], at: float) -> float:
    audience.busy_until = at + world.spread(world.rules.processing_s)
    world.timeline.put(at, Made(audience))
    filed = Filed(audience.audience_id, "REPLACE", parts, first=True)
    return world.timeline.put(audience.busy_until, filed)


def check_name(name: str) -> None:
    """Raises RefusalError 40002 for a name of more than 128 characters."""
    if len(name) > NAME_CHARS_MAX:
        raise RefusalError(40002, f"custom_audience_name: at most {NAME_CHARS_MAX} characters.")


def _parts(
    world: World, paths: list[str], advertiser_id: str, kind: str, now: float
) -> tuple[dict[str, bytes], int]:
    """All digests of the files, and how many lines they had. Raises RefusalError."""
    if len(paths) > PATHS_MAX:
        raise RefusalError(40002, f"file_paths: at most {PATHS_MAX} values.")
    joined: dict[str, list[bytes]] = {}
    lines = 0
    for path in dict.fromkeys(paths):
        file = world.files.get(path)
        if file is None or file.advertiser_id != advertiser_id:
            raise RefusalError(40915, "file_paths: a file does not exist for this advertiser.")
        if now - file.uploaded_at > world.rules.file_path_life_s:
            raise RefusalError(40910)
        if file.calculate_type != kind:
            raise RefusalError(40909)
        lines += file.lines
        for field, packed in file.parts.items():
            joined.setdefault(field, []).append(packed)
    return {field: b"".join(pieces) for field, pieces in joined.items()}, lines


class _UpdateBody(msgspec.Struct):
    advertiser_id: str | int = ""
    custom_audience_id: str | int = ""
    custom_audience_name: str = ""
    file_paths: list[str] = []
    action: Literal["REPLACE", "APPEND", "REMOVE"] = "REPLACE"
    audience_sub_type: Literal["", "REACH_FREQUENCY"] = ""


def update(world: World, ask: Ask) -> Act:
    """POST dmp/custom_audience/update/: another name, other people, or another kind of ads."""
    body = ask.body(_UpdateBody)
    advertiser_id, audience_id = str(body.advertiser_id), str(body.custom_audience_id)
    require(advertiser_id=advertiser_id, custom_audience_id=audience_id)
    world.editor(ask.grant, advertiser_id)
    audience = owned(world, audience_id, advertiser_id)
    left = world.expires_at(audience) - ask.now
    if left < world.rules.expiring_s:
        raise not_editable()
    act = Act(
        {},
        paced=(("file update", advertiser_id, world.rules.file_per_advertiser_per_s),),
        audiences=(audience_id,),
    )
    if body.audience_sub_type:
        if audience.kind == LOOKALIKE:
            raise RefusalError(40002, "audience_sub_type: a lookalike cannot be converted.")
        return replace(act, commit=partial(_convert, audience), action="convert")
    require(
        **{
            "custom_audience_name or file_paths": body.custom_audience_name
            or ",".join(body.file_paths)
        }
    )
    check_name(body.custom_audience_name)
    if not body.file_paths:
        rename = partial(_rename, audience, body.custom_audience_name)
        return replace(act, commit=rename, action="rename")
    _check_editable(world, audience, body.action, ask.now)
    parts, lines = _parts(world, body.file_paths, advertiser_id, audience.calculate_type, ask.now)
    if not world.rules.file_checks_late:
        _check_size_after(world, audience, body.action, parts)
    commit = partial(_update, world, audience, body, parts)
    return replace(act, commit=commit, action=body.action.lower(), people=lines)


def _check_editable(world: World, audience: Audience, action: str, now: float) -> None:
    if audience.kind != CUSTOMER_FILE or now < audience.busy_until:
        raise not_editable()
    if world.size(audience) < world.rules.usable_size:
        raise not_editable()
    audience.updates = [each for each in audience.updates if each[0] > now - DAY_S]
    quota = world.rules.file_updates_per_day
    if len(audience.updates) >= quota:
        raise RefusalError(40002, f"The audience was updated {quota} times within 24 hours.")
    replaced = sum(action == "REPLACE" for _, action in audience.updates)
    if action == "REPLACE" and replaced >= world.rules.file_replaces_per_day:
        raise RefusalError(40002, "The audience was replaced today. Please retry tomorrow.")


def _check_size_after(
    world: World, audience: Audience, action: str, parts: dict[str, bytes]
) -> None:
    after = world.membership.after(audience.audience_id, action, parts)
    if action == "REMOVE" and not any(after.values()):
        raise RefusalError(40002, "All the data of an audience cannot be removed.")
    least = world.rules.usable_size
    if world.matched(after) < least:
        raise RefusalError(40002, MADE_TOO_SMALL.format(f"{least:,}"))


def _update(
    world: World, audience: Audience, body: _UpdateBody, parts: dict[str, bytes], at: float
) -> float:
    if body.custom_audience_name:
        _rename(audience, body.custom_audience_name, at)
    audience.updates.append((at, body.action))
    audience.busy_until = at + world.spread(world.rules.processing_s)
    filed = Filed(audience.audience_id, body.action, parts)
    return world.timeline.put(audience.busy_until, filed)


def _rename(audience: Audience, name: str, at: float) -> float:
    audience.name, audience.changed_at = name, at
    audience.history.append(Event("modify", at))
    return at


def _convert(audience: Audience, at: float) -> float:
    audience.sub_type, audience.changed_at = "REACH_FREQUENCY", at
    audience.history.append(Event("convert_to_rf", at))
    return at


class _DeleteBody(msgspec.Struct):
    advertiser_id: str | int = ""
    custom_audience_ids: list[str | int] = []


def delete(world: World, ask: Ask) -> Act:
    """POST dmp/custom_audience/delete/: 1 to 100 audiences, all or none."""
    body = ask.body(_DeleteBody)
    advertiser_id = str(body.advertiser_id)
    wanted = [str(each) for each in body.custom_audience_ids]
    require(advertiser_id=advertiser_id, custom_audience_ids=",".join(wanted))
    if len(wanted) > 100:
        raise RefusalError(40002, "custom_audience_ids: at most 100 values.")
    world.editor(ask.grant, advertiser_id)
    for audience_id in wanted:
        owned(world, audience_id, advertiser_id, detached=True)
    return Act(
        {},
        commit=lambda at: world.timeline.put(at, Gone(wanted)),
        action="delete",
        audiences=tuple(wanted),
    )
