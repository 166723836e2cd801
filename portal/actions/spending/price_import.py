"""Importing prices of models from LiteLLM's price map: what it would change, and all of it in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.actions.fields import clean_field
from portal.db.audit import add_entry
from portal.db.spending.price_list import used_models
from portal.db.spending.prices import lock_book, prices_of_models, set_prices
from portal.errors import Conflict, InvalidInput
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.spending.price_map import (
    ExchangeRate,
    MapRow,
    PriceMap,
    UnreadableMap,
    exchange_rate,
    read_price_map,
    wanted_rows,
)
from portal.rules.spending.prices import Price, PriceBook, clean_pattern, model_price

_NAMED = 20
"""Most models that the audit log names."""


@dataclass(frozen=True, slots=True)
class PriceImport:
    """The models of a file with their prices in EUR, and which of them are wanted, from when on.

    Without `patterns` these are the models that were used.
    """

    file: PriceMap
    rate: ExchangeRate
    patterns: tuple[str, ...]
    valid_from: datetime


@dataclass(frozen=True, slots=True)
class PriceImportPlan:
    """What an import would do: new prices, wrong rows, and how many models stay as they are.

    `unchanged` models have these prices already; `unwanted` ones match no pattern, or were never used; `others` are not
    paid by token.
    """

    prices: tuple[Price, ...]
    wrong: tuple[MapRow, ...]
    unchanged: int
    unwanted: int
    others: int

    @property
    def free(self) -> tuple[Price, ...]:
        """The new prices that contain a 0."""
        return tuple(price for price in self.prices if price.is_free)


def read_price_import(
    content: bytes, rate: Decimal, day: date, patterns: Sequence[str], valid_from: datetime
) -> PriceImport:
    """Return what a file contains; takes up to a second, so no transaction is open. Raises InvalidInput.

    `rate` is EUR for one USD on `day`.
    """
    exchange = clean_field("rate", exchange_rate, rate, day)
    cleaned = tuple(clean_field("models", clean_pattern, pattern) for pattern in patterns)
    try:
        return PriceImport(read_price_map(content, exchange), exchange, cleaned, valid_from)
    except UnreadableMap as error:
        raise InvalidInput(error.sentence, "file") from error


def plan_price_import(session: Session, actor: Actor, wanted: PriceImport) -> PriceImportPlan:
    """Return what an import would do; changes nothing. Raises Forbidden."""
    check_administrator(session, actor)
    used = () if wanted.patterns else used_models(session)
    rows = list(wanted_rows(wanted.file.rows, wanted.patterns, used))
    book = PriceBook(prices_of_models(session, [row.model for row in rows]))
    prices = []
    for row in rows:
        if row.rates is None:
            continue
        now = book.own(row.model, wanted.valid_from)
        if now is None or now.rates != row.rates:
            prices.append(model_price(row.model, row.rates, wanted.valid_from, wanted.rate.source))
    wrong = tuple(row for row in rows if row.problem is not None)
    unchanged = len(rows) - len(wrong) - len(prices)
    return PriceImportPlan(tuple(prices), wrong, unchanged, len(wanted.file.rows) - len(rows), wanted.file.others)


def import_prices(
    session: Session,
    actor: Actor,
    wanted: PriceImport,
    now: datetime,
    *,
    skip_wrong: bool = False,
    confirm_free: bool = False,
) -> PriceImportPlan:
    """Enter the prices of the wanted models, all of them or none; stored costs stay. Returns what has been done.

    Raises Forbidden, and Conflict if a row is wrong unless `skip_wrong`, if a price is 0 unless `confirm_free`, or if
    the file has no wanted model.
    """
    check_administrator(session, actor)
    lock_book(session)
    plan = plan_price_import(session, actor, wanted)
    if plan.wrong and not skip_wrong:
        raise Conflict(
            message("{count} models are wrong, so nothing was imported.", count=len(plan.wrong)),
        )
    if not plan.prices and not plan.unchanged:
        raise Conflict(message("The file has a price for none of the wanted models, so nothing was imported."))
    if plan.free and not confirm_free:
        names = ", ".join(str(price.pattern) for price in plan.free[:3])
        raise Conflict(
            message(
                "{count} prices contain a 0 ({names}, …). Confirm that they are intended.",
                count=len(plan.free),
                names=names,
            )
        )
    if plan.prices:
        set_prices(session, plan.prices, now)
        add_entry(
            session,
            actor,
            "price.import",
            now,
            source=wanted.rate.source,
            valid_from=wanted.valid_from.isoformat(),
            prices=len(plan.prices),
            skipped=len(plan.wrong),
            models=", ".join(str(price.pattern) for price in plan.prices[:_NAMED]),
        )
    return plan
