"""API keys, gateway tokens, admin tokens and other secrets: their formats, and the digests that the portal stores.

Only the SHA-256 of a secret is stored. That is safe, because each has at least 192 random bits: nobody can try them
all, so a slow password hash would only cost time (source: OWASP ASVS 2.9, random tokens).
"""

import hashlib
import re
import secrets

API_KEY = "moe-sk-"
ADMIN_TOKEN = "moe-ad-"  # noqa: S105  # the public prefix of every admin token, not a token
GATEWAY_TOKEN = "moe-gw-"  # noqa: S105  # the public prefix of every gateway token, not a token
WEBHOOK_SECRET = "moe-wh-"  # noqa: S105  # the public prefix of every secret of a webhook
PREFIX_LENGTH = 16
_HEX = re.compile(r"[0-9a-f]{48}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


def new_secret(kind: str) -> str:
    """Return a new secret: the prefix of its kind, such as `API_KEY`, and 48 random hex digits."""
    return kind + secrets.token_hex(24)


def is_secret(text: str, kind: str) -> bool:
    """Return whether `text` has the format of a secret of a kind."""
    return text.startswith(kind) and _HEX.fullmatch(text, len(kind)) is not None


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret in lower-case hex: 64 characters."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_digest(text: str) -> bool:
    """Return whether `text` has the format of a SHA-256 in hex, in upper or lower case."""
    return _SHA256.fullmatch(text) is not None


def as_digest(text: str) -> str:
    """Return the digest, in lower case, of a text that is a secret or already a digest."""
    return text.lower() if is_digest(text) else digest(text)


def key_prefix(secret: str) -> str:
    """Return the first 16 characters, by which people recognise their keys."""
    return secret[:PREFIX_LENGTH]
