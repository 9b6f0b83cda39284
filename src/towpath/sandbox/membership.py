"""Who is in which audience: sets of digests per audience and kind of identifier.

This is the witness. Its witness functions are never reachable through the public surface, for
TikTok has no endpoint that returns membership.
"""

import hashlib
import struct
from collections.abc import Iterator

FIELD_BY_SCHEMA = {
    "EMAIL_SHA256": "email",
    "PHONE_SHA256": "phone",
    "IDFA_SHA256": "idfa",
    "AAID_SHA256": "gaid",
    "IDFA_MD5": "idfa_md5",
    "AAID_MD5": "gaid_md5",
}


def digest_bytes(field: str) -> int:
    """How long a digest of the field is, in bytes."""
    return 16 if field.endswith("_md5") else 32


def unpack(field: str, packed: bytes) -> tuple[bytes, ...]:
    """The digests that lie end to end in `packed`."""
    size = digest_bytes(field)
    return struct.unpack(f"{size}s" * (len(packed) // size), packed)


class Membership:
    """Sets of digests. Digests come packed end to end, as they wait that way in the timeline."""

    def __init__(self) -> None:
        self._sets: dict[str, dict[str, set[bytes]]] = {}
        self._digests: dict[str, str] = {}

    def add(self, audience: str, field: str, packed: bytes) -> None:
        """Put digests in; those already there stay."""
        keys = self._sets.setdefault(audience, {}).setdefault(field, set())
        keys.update(unpack(field, packed))
        self._digests.pop(audience, None)

    def remove(self, audience: str, field: str, packed: bytes) -> None:
        """Take digests out; those not there are no error."""
        keys = self._sets.get(audience, {}).get(field)
        if keys:
            keys.difference_update(unpack(field, packed))
            self._digests.pop(audience, None)

    def drop(self, audience: str) -> None:
        """Forget the whole audience."""
        self._sets.pop(audience, None)
        self._digests.pop(audience, None)

    def members(self, audience: str) -> dict[str, set[str]]:
        """The hexadecimal hashes by field; fields without any are left out."""
        fields = self._sets.get(audience, {})
        return {field: {key.hex() for key in keys} for field, keys in fields.items() if keys}

    def counts(self, audience: str) -> dict[str, int]:
        """How many keys each field holds; empty fields are left out."""
        fields = self._sets.get(audience, {})
        return {field: len(keys) for field, keys in sorted(fields.items()) if keys}

    def lines(self, audience: str) -> Iterator[str]:
        """Every key as "field:hash", sorted as text."""
        fields = self._sets.get(audience, {})
        for field in sorted(fields):
            for key in sorted(fields[field]):
                yield f"{field}:{key.hex()}"

    def digest(self, audience: str) -> str:
        """SHA-256 over the sorted "field:hash" lines joined by newlines, in hexadecimal."""
        if audience not in self._digests:
            text = "\n".join(self.lines(audience))
            self._digests[audience] = hashlib.sha256(text.encode()).hexdigest()
        return self._digests[audience]
