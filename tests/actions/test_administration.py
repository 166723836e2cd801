"""What operators set."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from portal.actions.administration import MOST_MODELS, assign_template, define_template, set_budget
from portal.actions.prices import enter_price
from portal.db.audit import entries
from portal.db.budgets import limits
from portal.db.prices import price_book
from portal.db.sql.session import Database
from portal.db.tables import Account, AuditEntry
from portal.db.templates import AssignedModel, models_of, template_named, template_of
from portal.errors import InvalidInput, NotFound
from portal.rules.budgets import MAX_LIMIT, BudgetType, Limits
from portal.rules.pricing import Price
from tests.cast import NOW, OPERATOR, run

CODE = AssignedModel("code", "qwen3-coder:30b", "gpu-1", required=True)


def written() -> list[tuple[str, str, dict[str, Any]]]:
    """Return the audit log: who, what, details."""
    rows = run(lambda session: list(session.scalars(select(AuditEntry).order_by(AuditEntry.id))))
    return [(row.actor, row.action, json.loads(row.details)) for row in rows]


@pytest.mark.parametrize(
    "wanted",
    [
        Limits(10, 200, 3000),
        Limits(0, 0, 0),
        Limits(),
        Limits(MAX_LIMIT, MAX_LIMIT, MAX_LIMIT),
        Limits(total=5, type=BudgetType.ONE_TIME),
    ],
)
def test_a_budget_is_set_and_written_down(alice: Account, wanted: Limits) -> None:
    run(set_budget, OPERATOR, "alice", wanted, NOW)
    assert run(limits, alice.id) == wanted
    (entry,) = run(entries, alice.id)
    assert (entry.actor, entry.action) == (str(OPERATOR), "budget.set")
    assert json.loads(entry.details) == {
        "daily": wanted.daily,
        "monthly": wanted.monthly,
        "total": wanted.total,
        "type": wanted.type,
    }


@pytest.mark.parametrize("field", ["daily", "monthly", "total"])
@pytest.mark.parametrize("limit", [-1, MAX_LIMIT + 1, 2**70])
def test_a_limit_out_of_bounds_changes_nothing(alice: Account, field: str, limit: int) -> None:
    run(set_budget, OPERATOR, "alice", Limits(1, 2, 3), NOW)
    with pytest.raises(InvalidInput) as caught:
        run(set_budget, OPERATOR, "alice", replace(Limits(4, 5, 6), **{field: limit}), NOW)  # type: ignore[arg-type]  # a limit
    assert caught.value.field == field
    assert run(limits, alice.id) == Limits(1, 2, 3)


# Prices


@pytest.mark.parametrize("price", ["0", "0.000000000001", "0.00002", "1"])
def test_a_price_is_entered_and_written_down(db: Database, price: str) -> None:
    begins = NOW + timedelta(days=1)
    run(enter_price, OPERATOR, Decimal(price), begins, NOW)
    assert run(price_book)[-1] == Price(Decimal(price), begins)
    assert written() == [(str(OPERATOR), "price.set", {"eur_per_token": price, "valid_from": begins.isoformat()})]


@pytest.mark.parametrize(
    "price", ["-0.000001", "1.000001", "1E+9", "0.0000000000001", "NaN", "sNaN", "Infinity", "-Infinity"]
)
def test_a_price_out_of_bounds_is_not_entered(db: Database, price: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(enter_price, OPERATOR, Decimal(price), NOW, NOW)
    assert caught.value.field == "eur_per_token"
    assert len(run(price_book)) == 1


# Templates


def test_a_template_is_defined_and_defined_anew(db: Database) -> None:
    run(define_template, OPERATOR, " research ", Decimal("1.5"), [CODE, replace(CODE, endpoint="")], NOW)
    run(define_template, OPERATOR, "research", Decimal("0.5"), [replace(CODE, category=" maths ")], NOW)
    found = run(template_named, "research")
    assert found is not None
    assert found.cost_factor == Decimal("0.5")
    assert run(models_of, found.id) == [replace(CODE, category="maths")]
    assert written()[-1] == (str(OPERATOR), "template.set", {"name": "research", "cost_factor": "0.5", "models": 1})


@pytest.mark.parametrize(
    ("name", "factor", "models", "field"),
    [
        pytest.param("", "1", [], "name", id="no name"),
        pytest.param("x" * 65, "1", [], "name", id="a long name"),
        pytest.param("research", "-0.1", [], "cost_factor", id="a negative factor"),
        pytest.param("research", "1000.1", [], "cost_factor", id="a huge factor"),
        pytest.param("research", "NaN", [], "cost_factor", id="a factor that is none"),
        pytest.param("research", "Infinity", [], "cost_factor", id="an endless factor"),
        pytest.param("research", "1E-1000", [], "cost_factor", id="a factor of a thousand digits"),
        pytest.param("research", "1", [replace(CODE, category="")], "category", id="no category"),
        pytest.param("research", "1", [CODE, replace(CODE, model="x" * 201)], "model", id="a long model"),
        pytest.param("research", "1", [replace(CODE, endpoint="a\x00")], "endpoint", id="NUL in an endpoint"),
        pytest.param("research", "1", [CODE] * (MOST_MODELS + 1), "models", id="too many models"),
    ],
)
def test_a_malformed_template_is_not_defined(
    db: Database, name: str, factor: str, models: list[AssignedModel], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(define_template, OPERATOR, name, Decimal(factor), models, NOW)
    assert caught.value.field == field
    assert run(template_named, "research") is None
    assert written() == []


@pytest.mark.parametrize("factor", ["0", "1000", "0.000000000001"])
def test_factors_at_the_ends(db: Database, factor: str) -> None:
    run(define_template, OPERATOR, "research", Decimal(factor), [CODE] * MOST_MODELS, NOW)
    found = run(template_named, "research")
    assert found is not None
    assert found.cost_factor == Decimal(factor)


def test_a_template_is_assigned_and_taken_away(alice: Account, bob: Account) -> None:
    run(define_template, OPERATOR, "research", Decimal(1), [], NOW)
    run(assign_template, OPERATOR, "alice", "research", NOW)
    assert run(template_of, alice.id) is not None
    assert run(template_of, bob.id) is None
    run(assign_template, OPERATOR, "alice", None, NOW)
    assert run(template_of, alice.id) is None
    assert [entry.action for entry in run(entries, alice.id)] == ["template.assign"] * 2


# Nobody and nothing


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda: run(set_budget, OPERATOR, "nothing", Limits(), NOW), id="budget"),
        pytest.param(lambda: run(assign_template, OPERATOR, "nothing", None, NOW), id="assign to nobody"),
        pytest.param(lambda: run(assign_template, OPERATOR, "alice", "nothing", NOW), id="assign nothing"),
    ],
)
def test_operators_are_told_of_unknown_names(alice: Account, change: Callable[[], object]) -> None:
    with pytest.raises(NotFound, match="called nothing"):
        change()
    assert written() == []
