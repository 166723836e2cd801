"""Columns give back exactly what they were given, on every database."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from portal.db.sql.session import Database
from portal.db.tables import Account, Budget, Price
from tests.cast import NOW, run


@pytest.mark.parametrize(
    "instant",
    [
        pytest.param(NOW, id="in UTC"),
        pytest.param(datetime(2026, 11, 22, 15, 5, 0, 123456, timezone(timedelta(hours=1))), id="in Berlin"),
        pytest.param(datetime(2026, 10, 25, 0, 30, 0, 1, tzinfo=UTC), id="an hour that Berlin has twice"),
        pytest.param(datetime(2000, 1, 1, tzinfo=UTC), id="the first one allowed"),
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), id="the first one there is"),
        pytest.param(datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), id="the last one there is"),
    ],
)
def test_an_instant_comes_back_in_utc(alice: Account, instant: datetime) -> None:
    run(lambda session: session.execute(update(Account).values(created_at=instant)))
    kept = run(lambda session: session.scalars(select(Account.created_at)).one())
    assert kept == instant
    assert kept.tzinfo is UTC


def test_an_instant_without_zone_is_a_bug(alice: Account) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(StatementError, match="needs a time zone"):
        run(lambda session: session.scalars(select(Account).where(Account.created_at == naive)).all())


def test_instants_are_compared_as_instants(alice: Account) -> None:
    berlin = NOW.astimezone(timezone(timedelta(hours=1)))

    def created(session: Session, since: datetime, until: datetime) -> list[str]:
        wanted = select(Account.username).where(Account.created_at >= since, Account.created_at < until)
        return list(session.scalars(wanted))

    assert run(created, berlin, berlin + timedelta(microseconds=1)) == ["alice"]
    assert run(created, berlin - timedelta(days=1), berlin) == []


@pytest.mark.parametrize(
    ("rate", "kept_as"),
    [
        pytest.param("0.00002", "0.00002", id="the first price"),
        pytest.param("1E-12", "0.000000000001", id="tiny, without exponent"),
        pytest.param("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827", id="34 digits"),
        pytest.param("1E+3", "1000", id="a thousand"),
        pytest.param("1.50", "1.50", id="as it was written"),
    ],
)
def test_a_rate_is_exact(db: Database, rate: str, kept_as: str) -> None:
    run(lambda session: session.add(Price(valid_from=NOW, eur_per_token=Decimal(rate), created_at=NOW)))
    with db.reading() as session:
        assert session.scalars(select(Price.eur_per_token).where(Price.valid_from == NOW)).one() == Decimal(rate)
        raw = session.scalars(text("SELECT eur_per_token FROM prices WHERE valid_from IS NOT NULL")).one()
    assert raw == kept_as


def test_whole_numbers_have_64_bits(alice: Account) -> None:
    largest = 2**63 - 1
    run(
        lambda session: session.add(
            Budget(account_id=alice.id, daily=largest, monthly=0, total=None, type="subscription", updated_at=NOW)
        )
    )
    row = run(lambda session: session.get_one(Budget, alice.id))
    assert (row.daily, row.monthly, row.total) == (largest, 0, None)


@pytest.mark.parametrize("name", ["Ünïcödé 👩‍💻 דלת", "'; DROP TABLE accounts; --", "100%_\\", "a\nb", ""])
def test_text_is_kept_as_it_is(alice: Account, name: str) -> None:
    run(lambda session: session.execute(update(Account).values(display_name=name)))
    assert run(lambda session: session.scalars(select(Account.display_name)).one()) == name
