"""Hashing passwords with argon2id. Imported bcrypt hashes are accepted and replaced."""

import threading

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

_AT_ONCE = threading.BoundedSemaphore(2)
"""Each hash takes 64 MiB and one core; more at once would slow down the pages."""

_hasher = PasswordHasher()
_UNKNOWN = (
    "$argon2id$v=19$m=65536,t=3,p=4$+DHRoZlAGYyoDLH2XGXD0Q$K2r7B7gMhQkviV4Ch3YuY5g7i8KyBoS08RGIGOY1hrE"  # nobody's
)
"""This hash is checked for unknown user names, so that they take as long as known ones. It costs as much as a new one.

It is a constant, since to compute it costs each start a quarter of a second and 64 MiB.
"""

_BCRYPT = ("$2a$", "$2b$", "$2y$")
_DIGITS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""The base64 alphabet of bcrypt, in the order of the values."""


def hash_password(password: str) -> str:
    """Return a new argon2id hash; takes about 0.25 seconds."""
    with _AT_ONCE:
        return _hasher.hash(password)


def check_hash(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Return whether a password is correct, and a new hash if the stored one is outdated.

    Takes as long without a hash as with one. A malformed hash or password is never correct.
    """
    kept = password_hash or _UNKNOWN
    with _AT_ONCE:
        try:
            is_correct, is_outdated = _check(password.encode(), kept)
            renewed = _hasher.hash(password) if is_correct and is_outdated else None
        except (ValueError, IndexError, VerificationError):
            return False, None
    return (is_correct, renewed) if password_hash else (False, None)


def _check(secret: bytes, kept: str) -> tuple[bool, bool]:
    """Return whether a password is correct and whether its hash is outdated. bcrypt uses the first 72 bytes only."""
    if kept.startswith(_BCRYPT):
        return bcrypt.checkpw(secret[:72], _canonical(kept).encode()), True
    return _hasher.verify(kept, secret), _hasher.check_needs_rehash(kept)


def _canonical(kept: str) -> str:
    """Return a bcrypt hash with the unused bits of salt and digest cleared; some systems set them."""
    salt, digest = _DIGITS[_DIGITS.index(kept[28]) & 0x30], _DIGITS[_DIGITS.index(kept[59]) & 0x3C]
    return f"{kept[:28]}{salt}{kept[29:59]}{digest}{kept[60:]}"
