"""What the person of the desktop program sets on Profile: budgets, price, notifications."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.spending.alerts import alert_settings
from portal.db.spending.budgets import limits
from portal.db.spending.prices import price_book
from portal.rules.spending.budgets import Limits
from portal.rules.spending.prices import PriceBook


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """The limits of an account in tokens, the price in force in EUR per token, and the switch of notifications."""

    limits: Limits
    price: Decimal | None
    on_desktop: bool


def load_own_limits(session: Session, account_id: int, now: datetime) -> OwnLimits:
    """Return the present values of an account."""
    price = PriceBook(price_book(session)).general(now)
    return OwnLimits(
        limits=limits(session, account_id),
        price=None if price is None else price.eur_per_token,
        on_desktop=alert_settings(session, account_id).on_desktop,
    )
