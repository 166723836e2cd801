"""Expert templates and the accounts that have them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from decimal import Decimal

import pytest

from portal.actions.people.deletion import delete_account
from portal.actions.templates import MOST_MODELS, assign_template, define_template, delete_template
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.db.templates import AssignedModel, models_of, template_named, template_of
from portal.errors import Conflict, InvalidInput, NotFound
from portal.views.templates import find_template
from tests.cast import NOW, OPERATOR, audit_log, run
from tests.queries import entries

CODE = AssignedModel("code", "qwen3-coder:30b", "gpu-1", required=True)


def test_template_is_defined_and_replaced(db: Database) -> None:
    run(define_template, OPERATOR, " research ", Decimal("1.5"), [CODE, replace(CODE, endpoint="")], NOW)
    run(define_template, OPERATOR, "research", Decimal("0.5"), [replace(CODE, category=" maths ")], NOW)
    found = run(template_named, "research")
    assert found is not None
    assert found.cost_factor == Decimal("0.5")
    assert run(models_of, found.id) == [replace(CODE, category="maths")]
    models = [asdict(replace(CODE, category="maths"))]
    assert audit_log()[-1] == (str(OPERATOR), "template.set", {"cost_factor": "0.5", "models": models})


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
def test_invalid_template_is_refused(
    db: Database, name: str, factor: str, models: list[AssignedModel], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(define_template, OPERATOR, name, Decimal(factor), models, NOW)
    assert caught.value.field == field
    assert run(template_named, "research") is None
    assert audit_log() == []


@pytest.mark.parametrize("factor", ["0", "1000", "0.000000000001"])
def test_smallest_and_largest_cost_factor_are_taken(db: Database, factor: str) -> None:
    run(define_template, OPERATOR, "research", Decimal(factor), [CODE] * MOST_MODELS, NOW)
    found = run(template_named, "research")
    assert found is not None
    assert found.cost_factor == Decimal(factor)


def test_template_is_assigned_and_removed(alice: Account, bob: Account) -> None:
    run(define_template, OPERATOR, "research", Decimal(1), [], NOW)
    run(assign_template, OPERATOR, alice.id, run(find_template, "research").id, NOW)
    assert run(template_of, alice.id) is not None
    assert run(template_of, bob.id) is None
    run(assign_template, OPERATOR, alice.id, None, NOW)
    assert run(template_of, alice.id) is None
    assert [entry.action for entry in run(entries, alice.id)] == ["template.assign"] * 2


@pytest.mark.parametrize(("account_id", "template_id"), [(10**6, None), (1, 10**6)])
def test_unknown_account_or_template_is_not_found(alice: Account, account_id: int, template_id: int | None) -> None:
    with pytest.raises(NotFound):
        run(assign_template, OPERATOR, account_id if account_id > 1 else alice.id, template_id, NOW)
    assert audit_log() == []


def test_template_is_deleted_once_no_account_has_it(alice: Account) -> None:
    run(define_template, OPERATOR, "research", Decimal(1), [CODE], NOW)
    found = run(find_template, "research").id
    run(assign_template, OPERATOR, alice.id, found, NOW)
    with pytest.raises(Conflict, match="Accounts have the template research"):
        run(delete_template, OPERATOR, found, NOW)
    run(delete_account, OPERATOR, alice.id, NOW)
    run(delete_template, OPERATOR, found, NOW)
    assert run(template_named, "research") is None


def test_two_who_save_a_template_at_once_both_save_it(db: Database) -> None:
    def save(number: int) -> None:
        models = [replace(CODE, endpoint=f"gpu-{number}-{each}") for each in range(20)]
        run(define_template, OPERATOR, "research", Decimal(1), models, NOW)

    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(save, range(4)))
    found = run(models_of, run(find_template, "research").id)
    assert len({model.endpoint.split("-")[1] for model in found}) == 1
    assert len(found) == 20
