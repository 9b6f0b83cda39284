"""Who is in which audience: sets of digests per audience and kind of identifier.

This is the witness. Its witness functions are never reachable through the public surface, for
TikTok has no endpoint that returns membership.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping

FIELD_BY_SCHEMA = {
    "EMAIL_SHA256": "email",
    "PHONE_SHA256": "phone",
    "IDFA_SHA256": "idfa",
    "AAID_SHA256": "gaid",
    "IDFA_MD5": "idfa_md5",
    "AAID_MD5": "gaid_md5",
}
"""The fields of a mapping, by the names of `id_schema`."""

FIELD_BY_FILE = {
    "EMAIL_SHA256": "email",
    "PHONE_SHA256": "phone",
    "IDFA_SHA256": "idfa",
    "GAID_SHA256": "gaid",
    "IDFA_MD5": "idfa_md5",
    "GAID_MD5": "gaid_md5",
    "FIRST_SHA256": "maid",
    "FIRST_MD5": "maid_md5",
    "MAID_SHA256": "maid",
    "MAID_MD5": "maid_md5",
}
"""The fields of a file, by `calculate_type`; `maid` is an IDFA or a GAID, the file does not say."""


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

    def after(
        self, audience: str, action: str, parts: Mapping[str, bytes]
    ) -> dict[str, set[bytes]]:
        """What the audience would hold after REPLACE, APPEND or REMOVE of the parts."""
        given = {field: set(unpack(field, packed)) for field, packed in parts.items()}
        if action == "REPLACE":
            return given
        held = self._sets.get(audience, {})
        if action == "REMOVE":
            return {field: keys - given.get(field, set()) for field, keys in held.items()}
        return {
            field: held.get(field, set()) | given.get(field, set()) for field in {*held, *given}
        }

    def put(self, audience: str, fields: dict[str, set[bytes]]) -> None:
        """Let the audience hold exactly this."""
        self._sets[audience] = fields
        self._digests.pop(audience, None)

    def everything(self) -> dict[str, dict[str, set[bytes]]]:
        """All digests, by audience and field; not a copy."""
        return self._sets

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
