"""Scopes of admin tokens: what a program may read and change."""

from collections.abc import Collection, Iterable
from datetime import timedelta

from portal.rules.messages import InvalidValue, message

NOUNS = (
    "accounts",
    "teams",
    "budget-requests",
    "prices",
    "templates",
    "gateways",
    "held",
    "usage",
    "notes",
    "audit",
    "system",
)
SCOPES = tuple(f"{noun}:{right}" for noun in NOUNS for right in ("read", "write"))
"""Every scope. `write` includes `read` of the same noun."""
NOTED_EVERY = timedelta(minutes=5)
"""Precision of the last use of a token; a write for every request would cost more than most answers."""


def clean_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return scopes without duplicates, in the order of `SCOPES`. Raises InvalidValue for none and for unknown ones."""
    wanted = {scope.strip() for scope in scopes} - {""}
    if not wanted:
        raise InvalidValue(message("Name at least one scope, such as accounts:read."))
    unknown = sorted(wanted - set(SCOPES))
    if unknown:
        raise InvalidValue(
            message("There is no scope {scope}. The scopes are {scopes}.", scope=unknown[0], scopes=", ".join(SCOPES))
        )
    return tuple(scope for scope in SCOPES if scope in wanted)


def allows(scopes: Collection[str], wanted: str) -> bool:
    """Return whether scopes include `wanted`, one of `SCOPES`."""
    noun = wanted.partition(":")[0]
    return wanted in scopes or f"{noun}:write" in scopes
