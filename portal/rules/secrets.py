"""API keys, gateway tokens and other secrets: their shapes, and the digests that are stored in their place.

Only the SHA-256 of a secret is kept. That is enough, and not too little, because each has at least 192 random bits:
nobody can try them all, so a slow password hash would only cost time (source: OWASP ASVS 2.9, random tokens).
"""

import hashlib
import re
import secrets

API_KEY = "moe-sk-"
GATEWAY_TOKEN = "moe-gw-"  # noqa: S105  # the public prefix of every gateway token, not a token
PREFIX_LENGTH = 16
_HEX = re.compile(r"[0-9a-f]{48}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


def new_secret(kind: str) -> str:
    """Return a fresh secret of a kind (`API_KEY` or `GATEWAY_TOKEN`): its prefix and 48 random hex digits."""
    return kind + secrets.token_hex(24)


def is_secret(text: str, kind: str) -> bool:
    """Say whether `text` has the shape of a secret of that kind."""
    return text.startswith(kind) and _HEX.fullmatch(text, len(kind)) is not None


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret in lower-case hex: 64 characters."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_digest(text: str) -> bool:
    """Say whether `text` is written as a SHA-256 is, in either case."""
    return _SHA256.fullmatch(text) is not None


def as_digest(said: str) -> str:
    """Return the digest of what may be a secret or its digest already, which stays as it is, in lower case."""
    return said.lower() if is_digest(said) else digest(said)


def key_prefix(secret: str) -> str:
    """Return the first 16 characters, by which people tell their keys apart."""
    return secret[:PREFIX_LENGTH]
