"""The normalisation lab: how others write and hash an identifier, beside our own rule.

TikTok's pages of different years do not agree, and the tools that people move from follow one or
the other, or none. Whoever moves to Towpath sees here whose hashes would not be ours: people sent
by such a tool stay in an audience under a key that Towpath never sends. The variants are facts of
TikTok's pages and of the tools' public source as read in 2026-11; nothing of this is on the way of
data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5, sha256

import phonenumbers

from towpath.people.columns import Refusal
from towpath.people.match_field import MatchField
from towpath.people.normalise import CURRENT_RULE, RULES


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to write an identifier. `value`: what is hashed; `digest`: hex, as it would be sent.

    `same`: is the digest ours, so that both speak of the same key at the partner?
    """

    name: str
    source: str
    value: str
    digest: str
    same: bool


Writer = Callable[[str, str | None], str | None]


@dataclass(frozen=True, slots=True)
class _Way:
    """`write` takes the value as typed and as our rule has it, None if refused; None: no such."""

    name: str
    source: str
    write: Writer
    hash: Callable[[bytes], str] = lambda text: sha256(text).hexdigest()


def _md5(text: bytes) -> str:
    return md5(text, usedforsecurity=False).hexdigest()


def _without_spaces(typed: str, _ours: str | None) -> str:
    return "".join(typed.split()).lower()


def _without_suffix(typed: str, _ours: str | None) -> str:
    local, at, domain = _without_spaces(typed, None).partition("@")
    return local.partition("+")[0] + at + domain


def _without_suffix_and_dots(typed: str, _ours: str | None) -> str:
    local, at, domain = _without_suffix(typed, None).partition("@")
    return local.replace(".", "") + at + domain


def _segment_email(typed: str, _ours: str | None) -> str:
    local, at, domain = typed.lower().partition("@")
    return local.partition("+")[0].replace(".", "") + at + domain


def _as_typed(typed: str, _ours: str | None) -> str:
    return typed


def _digits(_typed: str, ours: str | None) -> str | None:
    return None if ours is None else ours.removeprefix("+")


def _national(_typed: str, ours: str | None) -> str | None:
    if ours is None:
        return None
    found = phonenumbers.parse(ours)
    return phonenumbers.national_significant_number(found)


def _upper(typed: str, _ours: str | None) -> str:
    return typed.strip().upper()


def _lower(typed: str, _ours: str | None) -> str:
    return typed.strip().lower()


_PAGE_2026 = "TikTok's developer page, 2026"
_HELP_2025 = "TikTok's help centre, August 2025"
_HELP_2024 = "TikTok's help centre, February 2024"
_DEVICE = (
    _Way("upper case", f"{_PAGE_2026} (one case, either)", _upper),
    _Way("lower case, MD5", f"{_PAGE_2026} (MD5 is taken too)", _lower, _md5),
    _Way("as typed", "Segment (neither trimmed nor in one case)", _as_typed),
    _Way("trimmed, lower case", "RudderStack", _lower),
)
_WAYS: dict[MatchField, tuple[_Way, ...]] = {
    MatchField.EMAIL: (
        _Way("no spaces, lower case", _PAGE_2026, _without_spaces),
        _Way("and no +suffix", _HELP_2025, _without_suffix),
        _Way("and no +suffix, no dots", _HELP_2024, _without_suffix_and_dots),
        _Way("no +suffix, no dots, not trimmed", "Segment", _segment_email),
        _Way("no spaces, lower case", "RudderStack", _without_spaces),
        _Way("as typed", "tools that hash without a rule", _as_typed),
    ),
    MatchField.PHONE: (
        _Way("digits, no plus", f"{_HELP_2025}; taken by the page of 2026 too", _digits),
        _Way("no plus, no country code", f"{_PAGE_2026} (taken too)", _national),
        _Way("as typed", "Segment, RudderStack", _as_typed),
    ),
    MatchField.IDFA: _DEVICE,
    MatchField.GAID: _DEVICE,
}


def variants(field: MatchField, typed: str, country: str | None = None) -> list[Variant]:
    """Every documented way to write and hash what was typed, in the order of the sources.

    `country`: two letters, for phones without a plus. What our rule refuses (see
    `people/normalise.py`) has the variants that need no reading; none of them is the same as ours.
    """
    found = RULES[CURRENT_RULE].readers[field](typed, country) if typed.strip() else None
    ours = None if found is None or isinstance(found, Refusal) else found
    written = [
        (way, value)
        for way in _WAYS[field]
        if (value := way.write(typed, ours.value if ours else None))
    ]
    return [
        Variant(
            way.name,
            way.source,
            value,
            digest := way.hash(value.encode(errors="surrogatepass")),
            ours is not None and digest == ours.digest.hex(),
        )
        for way, value in written
    ]
