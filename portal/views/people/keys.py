"""An account's API keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.people.keys import active_keys, key, keys
from portal.db.spending.budgets import key_budgets
from portal.db.tables import ApiKey
from portal.errors import NotFound
from portal.rules.messages import message
from portal.rules.people.keys import KeyStatus, key_status
from portal.rules.periods import Period, day_of, resets_at
from portal.rules.spending.budgets import Level, PeriodBudget
from portal.settings import settings
from portal.views.rows import view_of


@dataclass(frozen=True, slots=True)
class KeyPeriod:
    """The budget of a key in one period, in billable tokens; without a limit there is no percentage and no level."""

    limit: int | None
    consumed: int
    remaining: int | None
    percent: float | None
    level: Level | None
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyBudgetView:
    """The budget of a key, of which each period has its own limit."""

    daily: KeyPeriod
    monthly: KeyPeriod
    total: KeyPeriod

    def of(self, period: Period) -> KeyPeriod:
        """Return the budget of a period."""
        found: KeyPeriod = getattr(self, period.value)
        return found

    def fullest(self) -> tuple[Period, PeriodBudget]:
        """Return the period with the fullest budget."""
        budgets = {period: PeriodBudget(self.of(period).limit, self.of(period).consumed) for period in Period}
        period = max(Period, key=lambda each: budgets[each].exact_percent or Decimal(-1))
        return period, budgets[period]


@dataclass(frozen=True, slots=True)
class KeyView:
    """An API key; `prefix` is its first 16 characters, the only part that is stored.

    `budget` is None without a budget of its own; that of the account counts in either case.
    """

    id: int
    prefix: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    status: KeyStatus
    budget: KeyBudgetView | None


@dataclass(frozen=True, slots=True)
class KeysView:
    """All keys of an account: usable keys first, newest first."""

    keys: tuple[KeyView, ...]


def load_keys(session: Session, account_id: int, now: datetime) -> KeysView:
    """Return all of an account's keys, also expired and revoked ones."""
    views = _views(session, account_id, keys(session, account_id), now)
    return KeysView(tuple(sorted(views, key=lambda view: view.status is not KeyStatus.ACTIVE)))


def load_key(session: Session, account_id: int, key_id: int, now: datetime) -> KeyView:
    """Return one of an account's own keys. Raises NotFound."""
    row = key(session, account_id, key_id)
    if row is None:
        raise NotFound(message("You have no such key."))
    [view] = _views(session, account_id, [row], now)
    return view


def load_active_keys(session: Session, account_id: int, now: datetime) -> tuple[KeyView, ...]:
    """Return the usable keys, last used first."""
    return tuple(_views(session, account_id, active_keys(session, account_id, now), now))


def _views(session: Session, account_id: int, rows: Sequence[ApiKey], now: datetime) -> list[KeyView]:
    budgets = key_budgets(session, account_id, day_of(now, settings().budget_zone))
    return [
        view_of(
            KeyView,
            row,
            status=key_status(row.expires_at, row.revoked_at, now),
            budget=_budget(budgets[row.id], now) if row.id in budgets else None,
        )
        for row in rows
    ]


def _budget(budgets: Mapping[Period, PeriodBudget], now: datetime) -> KeyBudgetView:
    def view(period: Period) -> KeyPeriod:
        budget = budgets[period]
        reset = None if budget.limit is None else resets_at(period, now, settings().budget_zone)
        percent = None if budget.percent is None else float(budget.percent)
        return KeyPeriod(budget.limit, budget.consumed, budget.remaining, percent, budget.level, reset)

    return KeyBudgetView(*map(view, Period))
