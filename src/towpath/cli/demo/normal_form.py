"""E-mail addresses and phone numbers as TikTok wants them hashed: the witness' own reading.

TikTok API for Business, page 1850030360880129: e-mail without spaces and in lower case, phone in
E.164 with its plus, SHA-256 in hex. Where the page is silent the rule is Towpath's: NFC, one @, a
dot in the domain, at most 254 characters, international domains in punycode (UTS 46); a phone that
has E.164's shape is taken as it is, any other must be a valid number of the person's country.
A cell that cannot be read so counts as missing.
"""

import re
import unicodedata
from hashlib import sha256

import idna
import phonenumbers

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def email_key(cell: str) -> str | None:
    """The hash of an e-mail cell, 64 small hex digits; None when there is no usable address."""
    address = unicodedata.normalize("NFC", "".join(cell.split())).lower()
    local, _, domain = address.partition("@")
    if address.count("@") != 1 or not local or "." not in domain:
        return None
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            return None
    address = f"{local}@{domain}"
    return None if len(address) > 254 else _hash(address)


def phone_key(cell: str, country: str | None) -> str | None:
    """The hash of a phone cell, 64 small hex digits; None when there is no usable number.

    `country`: two letters, for a number without a plus.
    """
    if _E164.fullmatch(cell):
        return _hash(cell)
    try:
        number = phonenumbers.parse(cell, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return _hash(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _hash(value: str) -> str:
    return sha256(value.encode()).hexdigest()
