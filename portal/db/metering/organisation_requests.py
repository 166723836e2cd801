"""The requests of the organisation: those behind a figure of its usage, without the private notes of people."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session

from portal.db.metering.organisation import conditions_of, usage_list, usage_sums
from portal.db.metering.totals import figures_of, summed
from portal.db.metering.usage import Totals
from portal.db.sql.lists import ListQuery
from portal.db.tables import Account, ApiKey, Gateway, Team, UsageEvent, UsagePruned
from portal.rules.metering.organisation import Grouping, UsageScope
from portal.rules.periods import end_of_day, start_of_day


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request of any account; its fields are the columns of the statement that reads it, and of exports.

    `team` is that of the account when the request was stored. `cost_nano_eur` is None while no price was in force at
    its time. With `without_counts` its tokens are unknown, and 0 here.
    """

    id: int
    requested_at: datetime
    username: str
    team: str | None
    gateway: str
    model: str
    provider_model: str | None
    template: str | None
    key_label: str | None
    mode: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    billable_tokens: int
    cost_factor: Decimal
    cost_nano_eur: int | None
    status: str
    latency_ms: int | None
    without_counts: bool = False

    @property
    def total_tokens(self) -> int:
        """Input and output together, before the cost factor."""
        return self.prompt_tokens + self.completion_tokens


_ELSEWHERE: dict[str, Any] = {
    "username": Account.username,
    "team": Team.name,
    "gateway": Gateway.name,
    "key_label": ApiKey.label,
}


def request_list(scope: UsageScope, tz: ZoneInfo) -> ListQuery[RequestRow]:
    """Return the list of the stored requests in a scope, with its days in `tz`."""
    columns: list[Any] = [
        _ELSEWHERE.get(each.name, getattr(UsageEvent, each.name, None)) for each in fields(RequestRow)
    ]
    statement = (
        select(*columns)
        .select_from(UsageEvent)
        .join(Account, Account.id == UsageEvent.account_id)
        .join(Gateway, Gateway.id == UsageEvent.gateway_id)
        .outerjoin(Team, Team.id == UsageEvent.team_id)
        .outerjoin(ApiKey, ApiKey.id == UsageEvent.api_key_id)
        .where(*_conditions(scope, tz))
    )
    return ListQuery(statement, {"at": UsageEvent.requested_at}, UsageEvent.id, _row)


def request_totals(session: Session, scope: UsageScope) -> Totals:
    """Return the sums of a scope from roll-ups: of its stored requests, and of the pruned ones."""
    _, whole = usage_sums(session, usage_list(scope, Grouping.MONTH))
    days = UsagePruned.day.between(scope.days.first, scope.days.last)
    sums = select(*map(func.sum, summed(UsagePruned))).where(days, *conditions_of(UsagePruned, scope))
    pruned = figures_of(session.execute(sums).one())
    return Totals(whole - pruned, pruned)


def _conditions(scope: UsageScope, tz: ZoneInfo) -> list[ColumnElement[bool]]:
    found = [
        UsageEvent.requested_at >= start_of_day(scope.days.first, tz),
        UsageEvent.requested_at < end_of_day(scope.days.last, tz),
    ]
    if scope.gateway == 0:
        found.append(false())  # every stored request has its gateway
    return found + conditions_of(UsageEvent, scope)


def _row(row: Any) -> RequestRow:
    return RequestRow(*row[: len(fields(RequestRow))])
