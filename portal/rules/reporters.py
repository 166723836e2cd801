"""Who reports usage: a gateway about everybody, a person's program about that person alone."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, count

from portal.rules.text import MAX_NAME
from portal.rules.usage import LONGEST_ID, Entry, UsageReport

OWN_REPORTS = "own-reports"
"""Name of the gateway under which people's own reports stand; it has no tokens, so nothing else can come under it."""
OWN_MODE = "native"
NOTED_EVERY = timedelta(minutes=1)
"""How exactly it is known when a gateway last reported; a write for every batch would make its batches wait in line."""


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name that no gateway has: `wanted`, or the first of `wanted-2`, `wanted-3` and so on."""
    ends = chain([""], (f"-{number}" for number in count(2)))
    names = (wanted[: MAX_NAME - len(end)] + end for end in ends)
    return next(name for name in names if name not in taken)


@dataclass(frozen=True, slots=True)
class Person:
    """Whose key a program reports with: the account, and the SHA-256 of the key."""

    account_id: int
    key_hash: str


@dataclass(frozen=True, slots=True)
class Reporter:
    """Whoever sent a valid token: a gateway by its id, or a person; `mode` is that of events that name none."""

    gateway_id: int | None
    mode: str
    reported_at: datetime | None = None
    person: Person | None = None

    def own(self, entry: Entry) -> Entry:
        """Return what is taken of an entry: all that a gateway says, and of a person nothing that is not their own.

        A person's ids are apart from everybody else's, so that nobody can occupy them, and what is billed is not theirs
        to say.
        """
        if self.person is None or not isinstance(entry, UsageReport):
            return entry
        return replace(
            entry,
            id=own_id(self.person.account_id, entry.id),
            key_hash=self.person.key_hash,
            username=None,
            template=None,
            cost_factor=None,
            fallback_names=None,
        )

    def is_news(self, now: datetime) -> bool:
        """Say whether it is to be noted that a gateway reports now."""
        return self.reported_at is None or now - self.reported_at >= NOTED_EVERY


def own_id(account_id: int, external_id: str) -> str:
    """Return the id of a person's own report, which no other account can have."""
    plain = f"{account_id}/{external_id}"
    if len(plain) <= LONGEST_ID:
        return plain
    return f"{account_id}/sha256:{hashlib.sha256(external_id.encode('utf-8', 'surrogatepass')).hexdigest()}"
