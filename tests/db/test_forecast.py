"""What forecasts are made from: one account's tokens, zero days included, hours only where there are any."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from portal.db.forecast import tokens_by_day, tokens_by_hour
from portal.db.tables import Account
from portal.rules.periods import DayRange
from tests.cast import NOW, Gateway, report, run, send

SATURDAY = DayRange(date(2026, 11, 21), date(2026, 11, 21))


def at(hour: int, minute: int = 0, second: int = 0, day: int = 21) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


def use(gateway: Gateway, *instants: datetime, username: str = "alice") -> None:
    """Use one token, then 10, then 100 and so on."""
    send(
        gateway,
        *(
            report(f"{username}-{n}", username=username, prompt_tokens=10**n, completion_tokens=0, requested_at=instant)
            for n, instant in enumerate(instants)
        ),
    )


def test_days_are_whole_and_somebodys_own(alice: Account, bob: Account, gateway: Gateway) -> None:
    use(gateway, at(23, 59, 59, day=19), at(0, day=20), at(0), at(23, 59, 59), at(0, day=22))
    use(gateway, at(12), username="bob")
    found = run(tokens_by_day, alice.id, DayRange(date(2026, 11, 20), date(2026, 11, 21)))
    assert found == {date(2026, 11, 20): 10, date(2026, 11, 21): 1100}
    assert run(tokens_by_day, bob.id, DayRange(date(2026, 11, 20), date(2026, 11, 22))) == {
        date(2026, 11, 20): 0,
        date(2026, 11, 21): 1,
        date(2026, 11, 22): 0,
    }


def test_tokens_of_days_are_billable(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(prompt_tokens=100, completion_tokens=0, cost_factor=Decimal(3), requested_at=at(12)))
    assert run(tokens_by_day, alice.id, SATURDAY) == {date(2026, 11, 21): 300}
    assert run(tokens_by_hour, alice.id, at(0), at(23)) == [(at(12), 300)]


def test_hours_are_summed_over_models_and_somebodys_own(alice: Account, bob: Account, gateway: Gateway) -> None:
    use(gateway, at(8, 59), at(9), at(9, 59, 59), at(12), at(15))
    send(gateway, report("other", model="other", prompt_tokens=7, completion_tokens=0, requested_at=at(9, 30)))
    use(gateway, at(9), username="bob")
    assert sorted(run(tokens_by_hour, alice.id, at(9), at(15))) == [(at(9), 117), (at(12), 1000)]
    assert list(run(tokens_by_hour, alice.id, NOW, NOW + timedelta(1))) == []
