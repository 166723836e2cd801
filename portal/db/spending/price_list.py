"""The price book as a list, and the models of requests that have no cost."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, func, literal, select
from sqlalchemy.orm import Session, aliased

from portal.db import tables
from portal.db.spending.prices import PRICE_COLUMNS, price_of
from portal.db.sql.functions import contains, folded
from portal.db.sql.lists import ListQuery
from portal.db.sql.types import Instant
from portal.db.tables import OrganisationDaily
from portal.rules.lists import ListFilter
from portal.rules.spending.price_list import GENERAL, PriceStatus, UnpricedModel
from portal.rules.spending.prices import Price

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PriceListRow:
    """An entry of the price book in the list."""

    price: Price
    status: str
    entered_at: datetime


def price_list(wanted: ListFilter, now: datetime) -> ListQuery[PriceListRow]:
    """Return the entries that match a filter, without removed ones."""
    entry = tables.Price
    statement = select(*PRICE_COLUMNS, _STATUS.label("status"), entry.created_at).where(entry.removed_at.is_(None))
    if wanted.search:
        statement = statement.where(contains(wanted.search, entry.pattern, entry.source))
    if status := wanted.choice("status"):
        statement = statement.where(_STATUS == status)  # noqa: SIM300  # a condition of SQL
    if kind := wanted.choice("kind"):
        statement = statement.where(entry.pattern.is_(None) if kind == GENERAL else entry.pattern.is_not(None))
    return ListQuery(
        statement.params(now=now),
        {
            "model": func.coalesce(entry.pattern, ""),
            "valid_from": _BEGINS,
            "source": folded(entry.source),
            "status": _STATUS,
            "entered": entry.created_at,
        },
        entry.id,
        _row,
    )


_LATER = aliased(tables.Price)
_NOW: Any = bindparam("now", type_=Instant())
_BEGINS = func.coalesce(tables.Price.valid_from, literal(ALWAYS, Instant()), type_=Instant())
_SAME = (_LATER.pattern == tables.Price.pattern) | and_(_LATER.pattern.is_(None), tables.Price.pattern.is_(None))
_FOLLOWED = (
    select(_LATER.id)
    .where(_SAME, _LATER.removed_at.is_(None), _LATER.valid_from <= _NOW, _LATER.valid_from > _BEGINS)
    .exists()
)
_STATUS = case(
    (tables.Price.valid_from > _NOW, literal(PriceStatus.PLANNED.value)),
    (tables.Price.is_end.is_(True), literal(PriceStatus.ENDED.value)),
    (_FOLLOWED, literal(PriceStatus.ENDED.value)),
    else_=literal(PriceStatus.IN_FORCE.value),
)


def _row(row: Any) -> PriceListRow:
    width = len(PRICE_COLUMNS)
    return PriceListRow(price_of(row[:width]), row[width], row[width + 1])


def unpriced_models(session: Session) -> list[UnpricedModel]:
    """Return the models with requests without a cost, the most first; from roll-ups, as such requests are kept."""
    requests = func.sum(OrganisationDaily.unpriced)
    rows = session.execute(
        select(OrganisationDaily.model, requests)
        .where(OrganisationDaily.unpriced > 0)
        .group_by(OrganisationDaily.model)
        .order_by(requests.desc(), OrganisationDaily.model)
    )
    return [UnpricedModel(model, int(count)) for model, count in rows]


def used_models(session: Session) -> list[str]:
    """Return the models of all requests, from roll-ups."""
    return list(session.scalars(select(OrganisationDaily.model).distinct().order_by(OrganisationDaily.model)))
