"""Hashing and checking passwords: argon2id; bcrypt hashes that were brought along still open the door."""

import threading

from passlib.context import CryptContext

_AT_ONCE = threading.BoundedSemaphore(2)
"""Each hash takes 64 MiB and a core for a while; more at once would only starve the pages."""

_context = CryptContext(schemes=["argon2", "bcrypt"], deprecated="auto")
_UNKNOWN = _context.hash("nobody has this password")
"""Checked for unknown user names, so that they take as long as known ones."""


def hash_password(password: str) -> str:
    """Return a new argon2id hash; takes about a quarter of a second."""
    with _AT_ONCE:
        return str(_context.hash(password))


def check_hash(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Say whether a password fits, and give a new hash where the old one is of an outdated kind.

    Takes as long without a hash as with one. Malformed hashes and passwords fit nothing.
    """
    kept = password_hash or _UNKNOWN
    with _AT_ONCE:
        try:
            fits = _context.verify(_as_hashed(password, kept), kept)
            renewed = _context.hash(password) if fits and _context.needs_update(kept) else None
        except (ValueError, TypeError):
            return False, None
    return (fits, renewed) if password_hash else (False, None)


def _as_hashed(password: str, kept: str) -> bytes:
    """Return what of a password a hash knows: bcrypt never looked beyond 72 bytes, and its library refuses more."""
    secret = password.encode()
    return secret[:72] if kept.startswith("$2") else secret
