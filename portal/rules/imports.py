"""What an import brings from another system, in one form, and what is said about it afterwards."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from portal.rules.budgets import Limits
from portal.rules.text import counted


class Kind(StrEnum):
    """What is brought, in the words of the summary."""

    TEMPLATE = "expert templates"
    ACCOUNT = "accounts"
    KEY = "API keys"
    BUDGET = "budgets"
    ASSIGNMENT = "template assignments"
    USAGE = "requests"
    NOTE = "notes"

    def counted(self, count: int) -> str:
        """Return how many there are of it: "1 account", "3,138 accounts"."""
        return counted(count, self.removesuffix("s"))


class Fate(StrEnum):
    """What became of it."""

    BROUGHT = "brought"
    PRESENT = "already here"
    LEFT = "not brought"
    REMARK = "remark"
    """Something to know about what was brought, or was here already; counted besides."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one thing, why not something better, and by which name people know it."""

    kind: Kind
    fate: Fate
    why: str = ""
    name: str = ""


class Unfit(ValueError):
    """Something of another system cannot be taken; the message is a sentence that says why."""


class ModelOfCategory(NamedTuple):
    """One model of a template; `required` ones always answer."""

    category: str
    model: str
    endpoint: str
    required: bool


@dataclass(frozen=True, slots=True)
class ImportedTemplate:
    """An expert template."""

    name: str
    cost_factor: Decimal
    models: tuple[ModelOfCategory, ...]


@dataclass(frozen=True, slots=True)
class ImportedKey:
    """An API key, by its SHA-256; None for an instant is never."""

    key_hash: str
    prefix: str
    label: str
    active: bool
    created_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImportedPerson:
    """A person with all that is theirs except usage; `template` is the name of their active one.

    Without a `password_hash` they cannot sign in with a password; without an `email` it is empty, and without a
    `time_zone` the first browser tells its own.
    """

    username: str
    display_name: str
    email: str
    role: str
    active: bool
    password_hash: str | None
    time_zone: str | None
    language: str
    keys: tuple[ImportedKey, ...] = ()
    limits: Limits | None = None
    template: str | None = None


@dataclass(slots=True)
class Tally:
    """What became of everything, counted, with one name for each reason: there may be a million of them."""

    counts: Counter[tuple[Kind, Fate]] = field(default_factory=Counter)
    reasons: Counter[tuple[Kind, Fate, str]] = field(default_factory=Counter)
    examples: dict[tuple[Kind, Fate, str], str] = field(default_factory=dict)

    def add(self, findings: Iterable[Finding]) -> None:
        """Count some more."""
        for each in findings:
            self.counts[each.kind, each.fate] += 1
            if each.why:
                reason = each.kind, each.fate, each.why
                self.reasons[reason] += 1
                self.examples.setdefault(reason, each.name)

    def rows(self) -> list[tuple[str, int, int, int]]:
        """Return for each kind how much was brought, was here already, and was not brought."""
        return [
            (kind.value, self.counts[kind, Fate.BROUGHT], self.counts[kind, Fate.PRESENT], self.counts[kind, Fate.LEFT])
            for kind in Kind
        ]

    def sentences(self) -> list[str]:
        """Return each reason once: of what, how often, why, and an example."""
        said = []
        for (kind, fate, why), count in sorted(self.reasons.items()):
            example = self.examples[kind, fate, why]
            about = f"{kind.counted(count)} not brought" if fate is Fate.LEFT else kind.counted(count)
            said.append(f"{about}: {why}" + (f" For instance {example}." if example else ""))
        return said
