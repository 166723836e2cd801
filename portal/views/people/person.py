"""The usage and the billing of a person for administrators: the same figures as on the person's own pages.

Notes belong to the person and are left out; administrators read them where each look is noted.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.rules.metering.usage import UsageFilter
from portal.rules.people.actors import Actor
from portal.rules.spending.cost_parts import CostParts
from portal.views.metering.usage import UsageRow, UsageView, load_export, load_usage
from portal.views.people.account import existing_row
from portal.views.people.accounts import Acting, Viewer
from portal.views.rows import view_of
from portal.views.spending.billing import BillingView, load_billing
from portal.views.spending.cost_parts import load_cost_parts


def load_person(session: Session, reader: Actor, account_id: int, now: datetime) -> Viewer:
    """Return the person of an account as the reader of their own pages, so that days are those of the person.

    Its actor is one who only looks, and changes nothing. Raises Forbidden and NotFound.
    """
    row = existing_row(session, reader, account_id)
    acting = Acting(reader.account_id or 0, reader.name, now)
    return view_of(Viewer, row, session_id=None, seen_at=None, unread=0, acting=acting, manages=False)


def load_usage_of(
    session: Session,
    reader: Actor,
    account_id: int,
    wanted: UsageFilter,
    now: datetime,
    limit: int = 50,
    cursor: str | None = None,
) -> UsageView:
    """Return one page of the requests of an account. Raises Forbidden, NotFound, and InvalidInput for a bad cursor."""
    view = load_usage(session, load_person(session, reader, account_id, now), wanted, now, limit, cursor)
    return replace(view, rows=tuple(map(_without_note, view.rows)))


def load_export_of(
    session: Session, reader: Actor, account_id: int, wanted: UsageFilter, now: datetime
) -> Iterator[UsageRow]:
    """Yield all filtered requests of an account; needs an open session. Raises Forbidden and NotFound."""
    return map(_without_note, load_export(session, load_person(session, reader, account_id, now), wanted, now))


def load_billing_of(session: Session, reader: Actor, account_id: int, now: datetime) -> BillingView:
    """Return the billing of an account. Raises Forbidden and NotFound."""
    existing_row(session, reader, account_id)
    return load_billing(session, account_id, now)


def load_cost_parts_of(
    session: Session, reader: Actor, account_id: int, model: str, mode: str, now: datetime
) -> CostParts:
    """Return how the cost of a row of the billing of an account came about. Raises Forbidden and NotFound."""
    existing_row(session, reader, account_id)
    return load_cost_parts(session, account_id, model, mode, now)


def _without_note(row: UsageRow) -> UsageRow:
    return replace(row, note=None)
