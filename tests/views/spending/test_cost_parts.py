"""The parts of the cost of a row: their sum is the row, and each formula ties."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.actions.metering.pruning import prune_account
from portal.actions.spending.prices import enter_model_price, enter_price, remove_price
from portal.db.tables import Account
from portal.errors import NotFound
from portal.rules.metering.figures import Figures, figures_of_request, total
from portal.rules.periods import zone
from portal.rules.spending.cost_parts import CostPart, CostParts, cost_parts
from portal.rules.spending.prices import Price, Rates, RequestTokens
from portal.views.spending.cost_parts import load_cost_parts
from portal.views.spending.summary import load_summary
from tests.cast import NOW, OPERATOR, Gateway, report, run, send

DAY = timedelta(1)
RATES = Rates(prompt=Decimal("2.5"), completion=Decimal(10), cached=Decimal("1.25"))
GPT = ("gpt-4o", "native")


def sums_up(found: CostParts) -> bool:
    return total((*(part.figures for part in found.parts), found.rest)) == found.total


def test_row_is_the_sum_of_its_parts(alice: Account, bob: Account, gateway: Gateway) -> None:
    send(gateway, report("general", model="gpt-4o", cost_factor=Decimal("1.5"), requested_at=NOW - 3 * DAY))
    run(enter_model_price, OPERATOR, "gpt-*", RATES, NOW - 2 * DAY, NOW)
    send(
        gateway,
        report("plain", model="gpt-4o", cached_tokens=40, requested_at=NOW - DAY),
        report("again", model="gpt-4o", requested_at=NOW - DAY),
        report("dear", model="gpt-4o", cost_factor=Decimal("1.5"), requested_at=NOW - DAY),
        report("of-bob", username="bob", model="gpt-4o", requested_at=NOW - DAY),
        report("other-mode", model="gpt-4o", mode="agent", requested_at=NOW - DAY),
    )
    found = run(load_cost_parts, alice.id, *GPT, NOW)
    assert [(part.price and part.price.pattern, part.cost_factor, part.figures.requests) for part in found.parts] == [
        (None, 1, 1),
        ("gpt-*", 1, 2),
        ("gpt-*", Decimal("1.5"), 1),
    ]
    assert all(part.ties for part in found.parts)
    assert (sums_up(found), found.rest) == (True, Figures())
    row = next(row for row in run(load_summary, alice.id, NOW).by_model if (row.model, row.mode) == GPT)
    assert row.figures == found.total


def test_requests_without_a_price_are_a_part(alice: Account, gateway: Gateway) -> None:
    run(remove_price, OPERATOR, None, NOW)
    run(enter_price, OPERATOR, Decimal("0.00003"), NOW - DAY, NOW)
    send(gateway, report("priced", model="gpt-4o"), report("old", model="gpt-4o", requested_at=NOW - 2 * DAY))
    found = run(load_cost_parts, alice.id, *GPT, NOW)
    assert [(part.is_unpriced, part.price is None, part.ties) for part in found.parts] == [
        (False, False, True),
        (True, True, False),
    ]
    assert sums_up(found)


def test_deleted_requests_are_the_rest(alice: Account, gateway: Gateway) -> None:
    send(gateway, report("new", model="gpt-4o"), report("old", model="gpt-4o", requested_at=NOW - 20 * DAY))
    before = run(load_cost_parts, alice.id, *GPT, NOW)
    run(prune_account, alice.id, (NOW - 10 * DAY).date(), zone("UTC"), NOW + 60 * DAY)
    found = run(load_cost_parts, alice.id, *GPT, NOW)
    assert (found.rest.requests, found.total, sums_up(found)) == (1, before.total, True)


def test_row_of_somebody_else_is_not_found(alice: Account, bob: Account, gateway: Gateway) -> None:
    send(gateway, report("of-bob", username="bob", model="gpt-4o"))
    with pytest.raises(NotFound):
        run(load_cost_parts, alice.id, *GPT, NOW)


_RATE = st.decimals(min_value=0, max_value=10**6, places=12)
_PRICE = st.builds(
    lambda number, general, rates: (
        Price(general, None, None, None, "", number)
        if rates is None
        else Price(Decimal(0), None, "x*", rates, "", number)
    ),
    st.integers(1, 3),
    st.decimals(min_value=0, max_value=1, places=12),
    st.none() | st.builds(Rates, _RATE, _RATE, _RATE),
)
_COUNT = st.integers(0, 10**6)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["1", "1.25", "0.333333333333"]), _COUNT, _COUNT, _COUNT)),
    st.tuples(_PRICE, _PRICE, _PRICE),
)
def test_every_formula_ties(requests: list[tuple[int, str, int, int, int]], prices: tuple[Price, Price, Price]) -> None:
    parts = []
    for which, factor, prompt, cached, completion in requests:
        price, times = prices[which], Decimal(factor)
        billable = int((Decimal(prompt + completion) * times).to_integral_value())
        tokens = RequestTokens(prompt, completion, min(cached, prompt), billable)
        figures = figures_of_request(billable, prompt, completion, price.cost(tokens, times), False)
        named = Price(price.eur_per_token, None, price.pattern, price.rates, "", which)
        parts.append(CostPart(named, times, tokens, figures))
    found = cost_parts(parts, total(part.figures for part in parts))
    assert all(part.ties for part in found.parts)
    assert found.rest == Figures()
    assert sums_up(found)
