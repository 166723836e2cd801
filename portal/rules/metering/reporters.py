"""Reporters of usage: a gateway reports for everybody, a person's program only for that person.

Decision: on a desktop, a gateway has an owner, the only person there. Its events are taken as they are sent; where no
account has their key or name, or they have none, they count for the owner. On a server no gateway has an owner.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, count

from portal.rules.metering.usage import LONGEST_ID, Entry, Rejected, UsageReport
from portal.rules.text import MAX_NAME

OWN_REPORTS = "own-reports"
"""Name of the gateway that people's own reports are stored under; it has no tokens, so no gateway can report as it."""
OWN_MODE = "native"
ONE_ACCOUNT = "Say exactly one of api_key, api_key_hash and username."
NOTED_EVERY = timedelta(minutes=1)
"""Precision of a gateway's last report; with a write for every batch, its batches would wait for each other."""


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name that no gateway has: `wanted`, or the first of `wanted-2`, `wanted-3` and so on."""
    ends = chain([""], (f"-{number}" for number in count(2)))
    names = (wanted[: MAX_NAME - len(end)] + end for end in ends)
    return next(name for name in names if name not in taken)


@dataclass(frozen=True, slots=True)
class Person:
    """The person with the key that a program sent: the account, and the SHA-256 of the key."""

    account_id: int
    key_hash: str


@dataclass(frozen=True, slots=True)
class Reporter:
    """The sender of a valid token: a gateway, by its id, or a person; `mode` is for events that name no mode.

    `owner_id` is the account of a gateway on a desktop.
    """

    gateway_id: int | None
    mode: str
    reported_at: datetime | None = None
    person: Person | None = None
    owner_id: int | None = None

    @property
    def is_of_one_person(self) -> bool:
        """Whether all usage without a known key or name is that of one person."""
        return self.person is not None or self.owner_id is not None

    def own(self, entry: Entry) -> Entry:
        """Return the accepted part of an entry: of a gateway all of it, of a person only the fields about themselves.

        A person's ids are separate from all others, so that nobody else can use them up. A person may not choose the
        owner or the cost factor. An event without a key and a name is rejected, unless one person has all usage.
        """
        if not isinstance(entry, UsageReport):
            return entry
        if self.person is None:
            names_nobody = entry.key_hash is None and entry.username is None and self.owner_id is None
            return Rejected(entry.id, ONE_ACCOUNT) if names_nobody else entry
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
        """Return whether the time of this report should be stored."""
        return self.reported_at is None or now - self.reported_at >= NOTED_EVERY


def own_id(account_id: int, external_id: str) -> str:
    """Return the id of a person's own report, which no other account can have."""
    plain = f"{account_id}/{external_id}"
    if len(plain) <= LONGEST_ID:
        return plain
    return f"{account_id}/sha256:{hashlib.sha256(external_id.encode('utf-8', 'surrogatepass')).hexdigest()}"
