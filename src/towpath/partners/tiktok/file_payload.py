"""Digests to a Customer File, without a loop over people. Pure.

A file of MULTIPLE_TYPES: a header of column names and a line a person, cells of hex and commas; a
missing key is an empty cell (tiktok-api, section 6). Advertising ids have one column name for both
systems, which may come up to three times. An audience takes only files of the type that it was made
with, so every file is of this one, whatever fields a step asks for.
"""

import binascii
import hashlib
from collections.abc import Sequence

import numpy as np

from towpath.partners.protocol import Order
from towpath.partners.tiktok.payload import DIGEST_BYTES, HEX_CHARS
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import MatchField

CALCULATE_TYPE = "MULTIPLE_TYPES"
COLUMNS = {
    MatchField.EMAIL: "EMAIL_SHA256",
    MatchField.PHONE: "PHONE_SHA256",
    MatchField.IDFA: "MAID_SHA256",
    MatchField.GAID: "MAID_SHA256",
}


def body(order: Order, groups: Sequence[KeyGroup]) -> bytes:
    """A file: a line a person, a cell for each of the order's fields. Digests are 32 bytes each;
    other fields of a group stay behind. Raises ValueError for groups that cannot be a file."""
    if not order.fields or len(set(order.fields)) != len(order.fields):
        raise ValueError("a file needs match fields, each once")
    if not groups:
        raise ValueError("a file needs people")
    header = ",".join(COLUMNS[field] for field in order.fields)
    return b"".join([f"{header}\n".encode(), *(_lines(order.fields, group) for group in groups)])


def form(ad_account_ref: str, file: bytes) -> tuple[str, bytes]:
    """The content type and the bytes of an upload (POST dmp/custom_audience/file/upload)."""
    signature = hashlib.md5(file, usedforsecurity=False).hexdigest()
    boundary = f"towpath-{signature}"
    texts = {
        "advertiser_id": ad_account_ref,
        "file_signature": signature,
        "calculate_type": CALCULATE_TYPE,
    }
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in texts.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    whole = b"".join([*parts, head.encode(), file, f"\r\n--{boundary}--\r\n".encode()])
    return f"multipart/form-data; boundary={boundary}", whole


def _lines(fields: Sequence[MatchField], group: KeyGroup) -> memoryview:
    """The lines of one group, equally long, as one run of bytes."""
    present = [field for field in fields if field in group.digests]
    if not present or group.people < 1:
        raise ValueError("people without a key cannot be sent")
    cells = [b"0" * HEX_CHARS if field in present else b"" for field in fields]
    line = np.frombuffer(b",".join(cells) + b"\n", np.uint8)
    table = np.empty((group.people, len(line)), np.uint8)
    table[:] = line
    column = 0
    for field, cell in zip(fields, cells, strict=True):
        if cell:
            digests = group.digests[field]
            if len(digests) != group.people * DIGEST_BYTES:
                raise ValueError(f"{len(digests)} bytes are no {group.people} digests of {field}")
            text = np.frombuffer(binascii.hexlify(digests), np.uint8)
            table[:, column : column + HEX_CHARS] = text.reshape(group.people, HEX_CHARS)
        column += len(cell) + len(b",")
    return table.data.cast("B")
