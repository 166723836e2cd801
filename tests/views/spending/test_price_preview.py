"""The effect of planned prices on a month."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from portal.actions.metering.pruning import prune_account
from portal.actions.spending.prices import enter_model_price, enter_price, remove_price
from portal.db.spending.prices import price_book
from portal.db.tables import Account
from portal.errors import Forbidden
from portal.rules.periods import zone
from portal.rules.spending.prices import Price, Rates, model_price
from portal.views.spending.price_preview import PreviewView, load_preview
from tests.cast import NOW, OPERATOR, Gateway, acting, report, run, send

LAST_MONTH = NOW - timedelta(30)
RATES = Rates(prompt=Decimal(2), completion=Decimal(10), cached=Decimal(1))


@pytest.fixture(autouse=True)
def usage(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Last month: 120 tokens of qwen by Alice, and gpt-4o by Bob with two factors; and a request of this month."""
    send(
        gateway,
        report("qwen", requested_at=LAST_MONTH),
        report("gpt", username="bob", model="gpt-4o", cached_tokens=40, requested_at=LAST_MONTH),
        report("dear", username="bob", model="gpt-4o", cost_factor=Decimal("1.5"), requested_at=LAST_MONTH),
        report("today", model="gpt-4o"),
    )


def costs(view: PreviewView) -> dict[str, tuple[bool, int, int]]:
    return {row.model: (row.is_affected, row.figures.cost_nano_eur, row.would_cost) for row in view.models}


def test_general_price_is_previewed_for_the_models_it_prices() -> None:
    run(enter_model_price, OPERATOR, "qwen*", RATES, NOW, NOW)
    found = run(load_preview, OPERATOR, [Price(Decimal("0.00004"), NOW + timedelta(1))], NOW)
    assert found.month == date(2026, 10, 1)
    assert costs(found) == {"gpt-4o": (True, 6_000_000, 12_000_000), "qwen3:32b": (False, 2_400_000, 2_400_000)}
    assert (found.total.cost_nano_eur, found.would_cost, found.difference) == (8_400_000, 14_400_000, 6_000_000)
    assert (found.is_past, found.is_free) == (False, False)


def test_price_of_models_is_previewed_from_the_events() -> None:
    found = run(load_preview, OPERATOR, [model_price("gpt-*", RATES, NOW - timedelta(1))], NOW)
    plain, dear = 60 * 2000 + 40 * 1000 + 20 * 10_000, (100 * 2000 + 20 * 10_000) * 3 // 2
    assert costs(found) == {"gpt-4o": (True, 6_000_000, plain + dear), "qwen3:32b": (False, 2_400_000, 2_400_000)}
    assert found.is_past
    assert [row.model for row in found.affected] == ["gpt-4o"]


def test_price_below_another_pattern_has_no_effect() -> None:
    run(enter_model_price, OPERATOR, "gpt-4o", RATES, NOW, NOW)
    assert run(load_preview, OPERATOR, [model_price("gpt-*", RATES, NOW)], NOW).affected == ()


def test_end_of_a_price_is_previewed_with_the_next_price() -> None:
    run(enter_model_price, OPERATOR, "gpt-4o", RATES, LAST_MONTH, NOW)
    found = run(load_preview, OPERATOR, [model_price("gpt-4o", None, NOW)], NOW)
    assert costs(found)["gpt-4o"] == (True, 6_000_000, 6_000_000)


def test_removed_price_is_previewed_without_any_price() -> None:
    run(enter_price, OPERATOR, Decimal("0.5"), NOW, NOW)
    run(remove_price, OPERATOR, None, NOW)
    (only,) = run(price_book)
    found = run(load_preview, OPERATOR, [], NOW, removed=[only.id or 0])
    assert (found.would_cost, found.would_unpriced) == (0, 3)


def test_pruned_requests_keep_their_cost(bob: Account) -> None:
    run(prune_account, bob.id, date(2026, 11, 1), zone("UTC"), NOW + timedelta(9))
    found = run(load_preview, OPERATOR, [model_price("gpt-*", RATES, NOW)], NOW)
    assert costs(found)["gpt-4o"] == (True, 6_000_000, 6_000_000)
    assert [row.pruned for row in found.affected] == [2]


def test_preview_is_for_administrators(alice: Account) -> None:
    with pytest.raises(Forbidden):
        run(load_preview, acting(alice), [Price(Decimal(1), NOW)], NOW)
