"""Expert templates."""

from decimal import Decimal

from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.db.templates import (
    AssignedModel,
    cost_factors,
    models_of,
    save_template,
    template_named,
    template_of,
)
from tests.cast import NOW, run

CODE = AssignedModel("code", "qwen3-coder:30b", "gpu-1", required=True)
MATHS = AssignedModel("maths", "deepseek-r1:32b", "gpu-2", required=False)


def test_a_template_keeps_its_models_in_order(db: Database) -> None:
    saved = run(save_template, "research", Decimal("1.5"), [MATHS, CODE, MATHS], NOW)
    assert run(models_of, saved.id) == [MATHS, CODE, MATHS]
    assert run(models_of, 2**62) == []


def test_saving_again_replaces_it_and_keeps_its_place(db: Database) -> None:
    first = run(save_template, "research", Decimal("1.5"), [CODE, MATHS], NOW)
    second = run(save_template, "research", Decimal("0.25"), [MATHS], NOW)
    assert first.id == second.id
    assert run(models_of, first.id) == [MATHS]
    found = run(template_named, "research")
    assert found is not None
    assert found.cost_factor == Decimal("0.25")
    assert run(template_named, "Research") is None


def test_factors_by_name_and_by_account(alice: Account, bob: Account, charlie: Account) -> None:
    research = run(save_template, "research", Decimal("1.5"), [], NOW)
    run(save_template, "cheap", Decimal("0.5"), [], NOW)

    def assign(session):
        session.get_one(Account, alice.id).template_id = research.id

    run(assign)
    assert run(cost_factors, {"research", "cheap", "unknown"}) == {"research": Decimal("1.5"), "cheap": Decimal("0.5")}
    assert run(cost_factors, set()) == {}
    active = run(template_of, alice.id)
    assert active is not None
    assert active.name == "research"
    assert run(template_of, bob.id) is None
