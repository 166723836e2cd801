"""The cast of the tests and what they do: accounts, gateways, and the requests that gateways report."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.actions.metering.gateways import create_gateway
from portal.actions.metering.usage import Outcome, Result, record_usage
from portal.db.metering.totals import TOTALS, Total, stream
from portal.db.people.accounts import add_account
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.db.tables import (
    Account,
    AuditEntry,
    KeyBudget,
    Reservation,
    SummedColumns,
    Team,
    UsageCounter,
    UsageDaily,
    UsageHourly,
)
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import CounterKey, DailyKey, HourlyKey
from portal.rules.metering.usage import UsageReport
from portal.rules.people.actors import Actor, Means
from portal.rules.spending.budgets import Limits
from portal.settings import settings
from portal.views.people.accounts import Viewer, find_account
from portal.views.spending.budget import load_key_budgets

P = ParamSpec("P")
R = TypeVar("R")

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
"""A Sunday afternoon in autumn: 15:05 in Berlin, 09:05 in New York."""

OPERATOR = Actor(Means.COMMAND_LINE, "root")
"""Whoever runs commands on the server."""

PASSWORD = "a glass of cold tea"
PASSWORD_HASH = "$argon2id$v=19$m=65536,t=3,p=4$l/Jei5FyTmlNydk7Z+y99w$ejVpLXgHis59T6jLDP7r4DHdTjauf06xzDiPY1vHSAU"
"""Of PASSWORD; made beforehand, since hashing takes a fifth of a second."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway with the token it was given."""

    id: int
    name: str
    token: str


def run(work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do something in a transaction of its own."""
    return run_in_transaction(work, *args, **kwargs)


def create_member(
    username: str, *, role: str = "user", time_zone: str | None = "UTC", password_hash: str | None = PASSWORD_HASH
) -> Account:
    """Create an account as it is after its first sign-in; its password is PASSWORD."""

    def create(session: Session) -> Account:
        address = f"{username}@example.org"
        row = add_account(session, username, username.capitalize(), address, role, password_hash, NOW)
        row.time_zone = time_zone
        return row

    return run(create)


def id_of(name: str) -> int:
    """Return the id of the account with this user name."""
    return run(find_account, name).id


def new_gateway(name: str, now: datetime = NOW, mode: str = "native") -> Gateway:
    """Create a gateway and return it with its token."""
    new = run(create_gateway, OPERATOR, name, now, mode)
    return Gateway(new.id, new.name, new.token or "")


def new_team(name: str, *members: Account, limits: Limits = Limits()) -> int:  # noqa: B008  # it cannot change
    """Store a team with these members; return its id."""

    def create(session: Session) -> int:
        row = Team(name=name, cost_centre="", created_at=NOW)
        row.daily, row.monthly, row.total = limits.daily, limits.monthly, limits.total
        session.add(row)
        session.flush()
        ids = [member.id for member in members]
        session.execute(update(Account).where(Account.id.in_(ids)).values(team_id=row.id))
        return row.id

    return run(create)


def limit_key(key_id: int, limits: Limits) -> None:
    """Store the budget of a key."""
    values = {"daily": limits.daily, "monthly": limits.monthly, "total": limits.total}
    run(lambda session: session.add(KeyBudget(api_key_id=key_id, updated_at=NOW, **values)))


def report(id: str = "r-1", **values: Any) -> UsageReport:
    """Return a small request as a gateway would report it; it is by alice unless a value names somebody."""
    if "key_hash" not in values:
        values.setdefault("username", "alice")
    usual: dict[str, Any] = {
        "model": "qwen3:32b",
        "mode": "native",
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "requested_at": NOW,
    }
    return UsageReport(id=id, **{**usual, **values})


def send(
    gateway: Gateway, *reports: UsageReport, now: datetime = NOW, budget_tz: ZoneInfo | None = None
) -> list[Outcome]:
    """Have a gateway report requests in one batch; return what became of each."""
    return run(record_usage, gateway.id, reports, budget_tz or settings().budget_zone, now)


def acting(account: Account) -> Actor:
    """Return somebody who is signed in as the one who changes something."""
    return Actor(Means.SESSION, account.username, account.id)


def reserved_tokens(account: Account, now: datetime = NOW) -> int:
    """Return the tokens that are reserved for an account's requests."""
    wanted = select(func.sum(Reservation.tokens)).where(
        Reservation.account_id == account.id, Reservation.expires_at > now
    )
    return run_in_reading(lambda session: session.scalar(wanted) or 0)


def audit_log() -> list[tuple[str, str, dict[str, Any]]]:
    """Return the audit log, oldest first: who, what, details with the values after the change."""
    rows = run(lambda session: list(session.scalars(select(AuditEntry).order_by(AuditEntry.id))))
    return [(row.actor, row.action, json.loads(row.details) | json.loads(row.after or "{}")) for row in rows]


def opens(secret: str, now: datetime) -> bool:
    """Say whether a person's program gets in with an API key."""
    return run(lambda session: load_key_budgets(session.connection(), secret, now)) is not None


def counters_of(account: Account) -> dict[CounterKey, Figures]:
    """Return all period counters of an account."""
    return totals_of(account, UsageCounter)


def daily_of(account: Account) -> dict[DailyKey, Figures]:
    """Return all daily roll-ups of an account."""
    return totals_of(account, UsageDaily)


def hourly_of(account: Account) -> dict[HourlyKey, Figures]:
    """Return all hourly roll-ups of an account."""
    return totals_of(account, UsageHourly)


def totals_of(account: Account, table: type[SummedColumns]) -> dict[Any, Figures]:
    """Return all rows that an account has in a summed table."""
    return run_in_reading(lambda session: dict(stream(session, total_of(table), account.id)))


def total_of(table: type[SummedColumns]) -> Total:
    """Return the descriptor of a summed table."""
    (total,) = (each for each in TOTALS if each.table is table)
    return total


def results(outcomes: Sequence[Outcome]) -> list[Result]:
    """Return the results alone."""
    return [outcome.result for outcome in outcomes]


def viewer_of(account: Account) -> Viewer:
    """Return somebody as a page knows them."""
    return Viewer(
        id=account.id,
        session_id=None,
        username=account.username,
        display_name=account.display_name,
        email=account.email,
        role=account.role,
        time_zone=account.time_zone,
        language=account.language,
        theme=account.theme,
    )
