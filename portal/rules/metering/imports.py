"""Imported people, keys, templates and usage in one form for all sources, and the outcomes of an import."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from portal.rules.spending.budgets import Limits
from portal.rules.text import counted


class ImportKind(StrEnum):
    """Kinds of imported things; the values are the words of the summary."""

    TEMPLATE = "expert templates"
    ACCOUNT = "accounts"
    KEY = "API keys"
    BUDGET = "budgets"
    ASSIGNMENT = "template assignments"
    USAGE = "requests"
    NOTE = "notes"

    def counted(self, count: int) -> str:
        """Return a number of things of this kind: "1 account", "3,138 accounts"."""
        return counted(count, self.removesuffix("s"))


class ImportOutcome(StrEnum):
    """What an import did with one thing."""

    IMPORTED = "imported"
    PRESENT = "already here"
    OMITTED = "not imported"
    REMARK = "remark"
    """A remark about a thing that has one of the other outcomes as well."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of importing one thing, with its reason where there is one, and the name of the thing."""

    kind: ImportKind
    outcome: ImportOutcome
    reason: str = ""
    name: str = ""


class NotImportable(ValueError):
    """A thing of another system cannot be imported; the message is a sentence with the reason."""


class ModelOfCategory(NamedTuple):
    """One model of a template; a `required` model always answers."""

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
    """An API key, by its SHA-256; an instant of None means never."""

    key_hash: str
    prefix: str
    label: str
    active: bool
    created_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImportedPerson:
    """A person with keys, limits and the name of the active template.

    Without a `password_hash` they cannot sign in with a password. `email` may be empty. Without a `time_zone`, the
    zone of the first browser is used.
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
    """Counts of outcomes and reasons, with one name as an example for each reason: there may be a million names."""

    counts: Counter[tuple[ImportKind, ImportOutcome]] = field(default_factory=Counter)
    reasons: Counter[tuple[ImportKind, ImportOutcome, str]] = field(default_factory=Counter)
    examples: dict[tuple[ImportKind, ImportOutcome, str], str] = field(default_factory=dict)

    def add(self, findings: Iterable[Finding]) -> None:
        """Count findings."""
        for each in findings:
            self.counts[each.kind, each.outcome] += 1
            if each.reason:
                key = each.kind, each.outcome, each.reason
                self.reasons[key] += 1
                self.examples.setdefault(key, each.name)

    def rows(self) -> list[tuple[str, int, int, int]]:
        """Return each kind with three counts: imported, already present, not imported."""
        return [
            (
                kind.value,
                self.counts[kind, ImportOutcome.IMPORTED],
                self.counts[kind, ImportOutcome.PRESENT],
                self.counts[kind, ImportOutcome.OMITTED],
            )
            for kind in ImportKind
        ]

    def sentences(self) -> list[str]:
        """Return one sentence for each reason, with the kind, the count and an example."""
        lines = []
        for (kind, outcome, reason), count in sorted(self.reasons.items()):
            example = self.examples[kind, outcome, reason]
            about = f"{kind.counted(count)} not imported" if outcome is ImportOutcome.OMITTED else kind.counted(count)
            lines.append(f"{about}: {reason}" + (f" For instance {example}." if example else ""))
        return lines
