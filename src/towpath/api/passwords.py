"""Passwords: argon2id with the parameters of RFC 9106's second choice (64 MiB, 3 passes).

Two at a time in a process, since each takes 64 MiB; who is unknown costs as much as who is known.
"""

from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from towpath.errors import InputError
from towpath.limits import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN

_HASHER = PasswordHasher()
_TURN = BoundedSemaphore(2)


def hashed(password: str) -> str:
    """What is kept of a password. Raises InputError for one that is too short or too long."""
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise InputError(
            f"A password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters.",
            remedy="Take a few words that belong together for you alone.",
            field="password",
        )
    with _TURN:
        return _HASHER.hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Is it the password that was kept? None (nobody, or no password) takes as long."""
    try:
        with _TURN:
            return _HASHER.verify(kept or _nobody(), password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")
