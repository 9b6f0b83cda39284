"""The lines of an uploaded file, checked and turned into packed digests by field.

A file holds one identifier a line, all hashed as its `calculate_type` says; or, for MULTIPLE_TYPES,
comma-separated columns under a header of MAID, MAID_SHA256, MAID_MD5, PHONE_SHA256 and EMAIL_SHA256
in any case, each at most three times, an empty cell meaning that there is none (tiktok-api,
section 6). A file that does not hold what it says is refused whole with 40909 (chosen: TikTok may
also take it and make an invalid audience).
"""

import hashlib
from collections import Counter
from collections.abc import Sequence

from towpath.sandbox.envelope import RefusalError
from towpath.sandbox.membership import FIELD_BY_FILE, digest_bytes

MULTIPLE_TYPES = "MULTIPLE_TYPES"
RAW = "FIRST_NORMAL"
TYPES = (*FIELD_BY_FILE, MULTIPLE_TYPES, RAW)
COLUMN_REPEATS_MAX = 3

_HEADERS = {
    "MAID": "",
    "MAID_SHA256": "maid",
    "MAID_MD5": "maid_md5",
    "PHONE_SHA256": "phone",
    "EMAIL_SHA256": "email",
}
_HEX = b"0123456789abcdef"
_BOM = b"\xef\xbb\xbf"


def read(content: bytes, calculate_type: str) -> tuple[int, dict[str, bytes]]:
    """How many lines the file has, and its digests end to end by field. Raises RefusalError 40906
    or 40909, naming the place and never a value."""
    lines = content.removeprefix(_BOM).split()
    if calculate_type == MULTIPLE_TYPES:
        return _columns(lines)
    if not lines:
        raise RefusalError(40906)
    field = FIELD_BY_FILE.get(calculate_type, "")
    return len(lines), {field or "maid": _packed(lines, field, calculate_type)}


def _columns(lines: Sequence[bytes]) -> tuple[int, dict[str, bytes]]:
    if len(lines) < 2:
        raise RefusalError(40906)
    names = [name.decode("utf-8", "replace").upper() for name in lines[0].split(b",")]
    if not set(names) <= _HEADERS.keys():
        raise RefusalError(40909, f"The file's header must hold among {', '.join(_HEADERS)}.")
    if max(Counter(names).values()) > COLUMN_REPEATS_MAX:
        raise RefusalError(40909, f"A column comes at most {COLUMN_REPEATS_MAX} times.")
    rows = [line.split(b",") for line in lines[1:]]
    if set(map(len, rows)) != {len(names)}:
        place = next(place for place, row in enumerate(rows) if len(row) != len(names))
        raise RefusalError(40909, f"Line {place + 2} has another number of columns than line 1.")
    parts: dict[str, bytes] = {}
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        field = _HEADERS[name]
        filled = [cell for cell in column if cell]
        parts[field or "maid"] = parts.get(field or "maid", b"") + _packed(filled, field, name)
    return len(rows), {field: packed for field, packed in parts.items() if packed}


def _packed(texts: Sequence[bytes], field: str, name: str) -> bytes:
    """Hexadecimal digests as bytes; raw device ids (no `field`) are hashed here, lower case."""
    if not field:
        return b"".join(hashlib.sha256(text.lower()).digest() for text in texts)
    length = 2 * digest_bytes(field)
    joined = b"".join(texts)
    if (texts and set(map(len, texts)) != {length}) or joined.translate(None, _HEX):
        raise RefusalError(40909, f"The file holds what is not {name}: {length} lower-case hex.")
    return bytes.fromhex(joined.decode())
