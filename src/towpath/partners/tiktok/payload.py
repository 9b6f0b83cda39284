"""Digests to the body of a mapping call, without a loop over people. Pure.

Everybody in a key group has the same cells, so a group's rows are all equally long: a template row
is repeated by numpy and the hex of each field's digests is laid into its column. Hex and digits
need no JSON escaping, which is why ids are checked to be digits.
"""

import binascii
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from towpath.errors import InputError
from towpath.ids import PartnerRef
from towpath.partners.protocol import Order
from towpath.partners.tiktok.limits import ID_DIGITS_MAX
from towpath.people.action import Action
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import MatchField

DIGEST_BYTES = 32
HEX_CHARS = 2 * DIGEST_BYTES
ACTIONS = {Action.ADD: "add", Action.REMOVE: "delete"}
ID_SCHEMA = {
    MatchField.EMAIL: "EMAIL_SHA256",
    MatchField.PHONE: "PHONE_SHA256",
    MatchField.IDFA: "IDFA_SHA256",
    MatchField.GAID: "AAID_SHA256",  # GAID_SHA256 is the Customer File API's word for it
}


def body(order: Order, groups: Sequence[KeyGroup]) -> bytes:
    """The JSON of POST segment/mapping: a row a person, a cell a field, `{}` for a missing key
    (D 1739940585975809; that `{}` is the empty cell: Segment's connector).

    Digests are 32 bytes each, of `fields` only; other fields of a group stay behind. Raises
    InputError for an id that is no number, ValueError for groups that cannot be a request.
    """
    fields = order.fields
    audience = digits(order.audience_ref or PartnerRef(""), "audience")
    ad_account = digits(order.ad_account_ref, "ad account")
    if not fields or len(set(fields)) != len(fields):
        raise ValueError("a request needs match fields, each once")
    if not groups:
        raise ValueError("a request needs people")
    schema = ",".join(f'"{ID_SCHEMA[field]}"' for field in fields)
    head = (
        f'{{"advertiser_ids":["{ad_account}"],"action":"{ACTIONS[order.action]}",'
        f'"id_schema":[{schema}],"batch_data":['
    )
    rows = [_rows(audience, fields, group) for group in groups]
    rows[-1] = rows[-1][:-1]  # the comma after the last row
    return b"".join([head.encode(), *rows, b"]}"])


def filled_cells(groups: Sequence[KeyGroup]) -> int:
    """How many ids the groups carry: TikTok's limit counts cells, not people."""
    return sum(group.people * len(group.digests) for group in groups)


def _rows(audience: str, fields: Sequence[MatchField], group: KeyGroup) -> memoryview:
    """The rows of one group as one run of bytes, a comma after each."""
    present = [field for field in fields if field in group.digests]
    if not present or group.people < 1:
        raise ValueError("people without a key cannot be sent")
    row, columns = _template(audience, [field in group.digests for field in fields])
    table = np.empty((group.people, len(row)), np.uint8)
    table[:] = row
    for field, column in zip(present, columns, strict=True):
        digests = group.digests[field]
        if len(digests) != group.people * DIGEST_BYTES:
            raise ValueError(f"{len(digests)} bytes are no {group.people} digests of {field}")
        text = np.frombuffer(binascii.hexlify(digests), np.uint8)
        table[:, column : column + HEX_CHARS] = text.reshape(group.people, HEX_CHARS)
    return table.data.cast("B")


def _template(audience: str, present: Sequence[bool]) -> tuple[NDArray[np.uint8], list[int]]:
    """One row with its digests left open, and the columns where they begin."""
    before, after = b'{"id":"', f'","audience_ids":["{audience}"]}}'.encode()
    cell = before + b"0" * HEX_CHARS + after
    cells = [cell if filled else b"{}" for filled in present]
    starts, place = [], len(b"[")
    for filled, text in zip(present, cells, strict=True):
        if filled:
            starts.append(place + len(before))
        place += len(text) + len(b",")
    return np.frombuffer(b"[" + b",".join(cells) + b"],", np.uint8), starts


def digits(ref: PartnerRef, what: str) -> str:
    """The id, which is digits and nothing else. Raises InputError naming `what`."""
    if not (ref.isascii() and ref.isdigit() and len(ref) <= ID_DIGITS_MAX):
        raise InputError(
            f"The {what}'s id at TikTok is not a number.",
            remedy="Choose it again from the list.",
            field=what.replace(" ", "_"),
        )
    return ref
