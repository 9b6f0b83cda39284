"""A mapping call's body is what a plain JSON writer would make of the same people."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.errors import InputError
from towpath.ids import PartnerRef
from towpath.partners.protocol import Order
from towpath.partners.tiktok.payload import ID_SCHEMA, body, filled_cells
from towpath.people.action import Action
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import ALL_FIELDS, MatchField

AUDIENCE, ACCOUNT = PartnerRef("7399999999999999999"), PartnerRef("7300000000000000000")
EMAIL, PHONE = MatchField.EMAIL, MatchField.PHONE


def order(
    action: Action, audience: PartnerRef, account: PartnerRef, fields: list[MatchField]
) -> Order:
    """What a request asks for."""
    return Order(action, tuple(fields), account, audience)


refs = st.from_regex(r"[0-9]{1,32}", fullmatch=True).map(PartnerRef)
field_orders = st.permutations(ALL_FIELDS).flatmap(
    lambda order: st.integers(1, len(order)).map(lambda count: order[:count])
)


@st.composite
def key_groups(draw: st.DrawFn, fields: list[MatchField]) -> KeyGroup:
    people = draw(st.integers(1, 5))
    held = draw(st.sets(st.sampled_from(fields), min_size=1))
    extra = draw(st.sets(st.sampled_from(ALL_FIELDS)))
    size = 32 * people
    return KeyGroup(
        people, {field: draw(st.binary(min_size=size, max_size=size)) for field in held | extra}
    )


def plain(
    action: Action,
    audience: PartnerRef,
    account: PartnerRef,
    fields: list[MatchField],
    groups: list[KeyGroup],
) -> dict[str, Any]:
    """The same request, a person at a time."""

    def cell(group: KeyGroup, field: MatchField, at: int) -> dict[str, Any]:
        if field not in group.digests:
            return {}
        digest = group.digests[field][32 * at : 32 * at + 32]
        return {"id": digest.hex(), "audience_ids": [audience]}

    return {
        "advertiser_ids": [account],
        "action": "add" if action is Action.ADD else "delete",
        "id_schema": [ID_SCHEMA[field] for field in fields],
        "batch_data": [
            [cell(group, field, at) for field in fields]
            for group in groups
            for at in range(group.people)
        ],
    }


@given(st.data(), st.sampled_from(Action), refs, refs, field_orders)
def test_it_equals_json_written_a_person_at_a_time(
    data: st.DataObject,
    action: Action,
    audience: PartnerRef,
    account: PartnerRef,
    fields: list[MatchField],
) -> None:
    groups = data.draw(st.lists(key_groups(fields), min_size=1, max_size=4))
    expected = json.dumps(plain(action, audience, account, fields, groups), separators=(",", ":"))
    assert body(order(action, audience, account, fields), groups) == expected.encode()


def test_android_ids_are_called_aaid() -> None:
    """Streaming knows no GAID_SHA256 (tiktok-api, section 0, point 9)."""
    assert ID_SCHEMA == {
        MatchField.EMAIL: "EMAIL_SHA256",
        MatchField.PHONE: "PHONE_SHA256",
        MatchField.IDFA: "IDFA_SHA256",
        MatchField.GAID: "AAID_SHA256",
    }


def test_cells_are_counted_not_people() -> None:
    both = KeyGroup(3, {EMAIL: bytes(96), PHONE: bytes(96)})
    assert filled_cells([both, KeyGroup(2, {EMAIL: bytes(64)})]) == 8
    assert filled_cells([]) == 0


@pytest.mark.parametrize("ref", ["", "12a", '1"', "١٢", "1 ", "-1", "1" * 33])
@pytest.mark.parametrize("place", ["audience", "ad_account"])
def test_an_id_that_is_no_number_never_gets_into_json(ref: str, place: str) -> None:
    audience = PartnerRef(ref) if place == "audience" else AUDIENCE
    account = PartnerRef(ref) if place == "ad_account" else ACCOUNT
    asked = order(Action.ADD, audience, account, [EMAIL])
    with pytest.raises(InputError) as failure:
        body(asked, [KeyGroup(1, {EMAIL: bytes(32)})])
    assert failure.value.field == place


@pytest.mark.parametrize(
    ("fields", "groups"),
    [
        ([], [KeyGroup(1, {EMAIL: bytes(32)})]),
        ([EMAIL, EMAIL], [KeyGroup(1, {EMAIL: bytes(32)})]),
        ([EMAIL], []),
        ([EMAIL], [KeyGroup(0, {EMAIL: b""})]),
        ([EMAIL], [KeyGroup(1, {})]),
        ([EMAIL], [KeyGroup(1, {PHONE: bytes(32)})]),
        ([EMAIL], [KeyGroup(2, {EMAIL: bytes(63)})]),
        ([EMAIL], [KeyGroup(2, {EMAIL: bytes(96)})]),
    ],
)
def test_groups_that_cannot_be_a_request_are_refused(
    fields: list[MatchField], groups: list[KeyGroup]
) -> None:
    with pytest.raises(ValueError, match=r"request needs|without a key|digests"):
        body(order(Action.ADD, AUDIENCE, ACCOUNT, fields), groups)
