"""A Customer File is what a plain writer would make of the same people; its form can be read."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.partners.tiktok.test_payload import field_orders, key_groups

from towpath.ids import PartnerRef
from towpath.partners.protocol import Order
from towpath.partners.tiktok.file_payload import COLUMNS, body, form
from towpath.people.action import Action
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import MatchField
from towpath.sandbox import multipart
from towpath.sandbox.call import Call

ACCOUNT = PartnerRef("7300000000000000000")


def order(fields: list[MatchField]) -> Order:
    """What a file is for."""
    return Order(Action.ADD, tuple(fields), ACCOUNT, PartnerRef("1"))


def plain(fields: list[MatchField], groups: list[KeyGroup]) -> str:
    """The same file, a person at a time."""
    lines = [",".join(COLUMNS[field] for field in fields)]
    for group in groups:
        for at in range(group.people):
            cells = [group.digests.get(field, b"")[32 * at : 32 * at + 32] for field in fields]
            lines.append(",".join(cell.hex() for cell in cells))
    return "".join(f"{line}\n" for line in lines)


@given(st.data(), field_orders)
def test_it_equals_a_file_written_a_person_at_a_time(
    data: st.DataObject, fields: list[MatchField]
) -> None:
    groups = data.draw(st.lists(key_groups(fields), min_size=1, max_size=4))
    assert body(order(fields), groups).decode() == plain(fields, groups)


@given(st.data(), field_orders)
def test_its_form_says_what_it_is(data: st.DataObject, fields: list[MatchField]) -> None:
    """Read by the sandbox's reader; the signature is the file's MD5 (file/upload)."""
    file = body(order(fields), [data.draw(key_groups(fields))])
    content_type, whole = form(ACCOUNT, file)
    call = Call("POST", "/", "", {"Content-Type": content_type}, whole)
    read = multipart.read(call)
    assert (read.file, read.file_name) == (file, "people.csv")
    assert read.texts == {
        "advertiser_id": ACCOUNT,
        "file_signature": hashlib.md5(file, usedforsecurity=False).hexdigest(),
        "calculate_type": "MULTIPLE_TYPES",
    }


@pytest.mark.parametrize(
    ("fields", "groups"),
    [
        ([], [KeyGroup(1, {MatchField.EMAIL: bytes(32)})]),
        ([MatchField.EMAIL] * 2, [KeyGroup(1, {MatchField.EMAIL: bytes(32)})]),
        ([MatchField.EMAIL], []),
        ([MatchField.EMAIL], [KeyGroup(1, {MatchField.PHONE: bytes(32)})]),
        ([MatchField.EMAIL], [KeyGroup(2, {MatchField.EMAIL: bytes(63)})]),
    ],
)
def test_groups_that_cannot_be_a_file_are_refused(
    fields: list[MatchField], groups: list[KeyGroup]
) -> None:
    with pytest.raises(ValueError, match=r"file needs|without a key|digests"):
        body(order(fields), groups)
