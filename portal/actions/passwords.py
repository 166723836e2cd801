"""Hashing and checking passwords: argon2id; bcrypt hashes of other systems are accepted and replaced."""

import threading

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

_AT_ONCE = threading.BoundedSemaphore(2)
"""Each hash takes 64 MiB and a core for a while; more at once would only starve the pages."""

_hasher = PasswordHasher()
_UNKNOWN = _hasher.hash("nobody has this password")
"""Checked for unknown user names, so that they take as long as known ones."""

_BCRYPT = ("$2a$", "$2b$", "$2y$")
_DIGITS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""Base64 of bcrypt, by value."""


def hash_password(password: str) -> str:
    """Return a new argon2id hash; takes about a quarter of a second."""
    with _AT_ONCE:
        return _hasher.hash(password)


def check_hash(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Return whether a password fits, and a new hash where the old one is of an outdated kind.

    Takes as long without a hash as with one. Malformed hashes and passwords fit nothing.
    """
    kept = password_hash or _UNKNOWN
    with _AT_ONCE:
        try:
            fits, is_outdated = _check(password.encode(), kept)
            renewed = _hasher.hash(password) if fits and is_outdated else None
        except (ValueError, IndexError, VerificationError):
            return False, None
    return (fits, renewed) if password_hash else (False, None)


def _check(secret: bytes, kept: str) -> tuple[bool, bool]:
    """Return whether a password fits and whether its hash is outdated; bcrypt only ever used the first 72 bytes."""
    if kept.startswith(_BCRYPT):
        return bcrypt.checkpw(secret[:72], _canonical(kept).encode()), True
    return _hasher.verify(kept, secret), _hasher.check_needs_rehash(kept)


def _canonical(kept: str) -> str:
    """Return a bcrypt hash with the two unused bits of salt and digest cleared; some systems leave them set."""
    salt, digest = _DIGITS[_DIGITS.index(kept[28]) & 0x30], _DIGITS[_DIGITS.index(kept[59]) & 0x3C]
    return f"{kept[:28]}{salt}{kept[29:59]}{digest}{kept[60:]}"
