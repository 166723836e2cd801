"""Which models answer an account's questions."""

from decimal import Decimal

from portal.actions.templates import assign_template, define_template
from portal.db.tables import Account
from portal.db.templates import AssignedModel
from portal.views.dashboard import load_dashboard
from portal.views.templates import CategoryView, TemplateView, find_template, load_template
from tests.cast import NOW, OPERATOR, run

CODE = AssignedModel("code", "qwen3-coder:30b", "gpu-1", required=True)
CODE_TOO = AssignedModel("code", "gemma3:27b", "gpu-2", required=False)
MATHS = AssignedModel("maths", "deepseek-r1:32b", "gpu-2", required=True)


def test_a_template_is_shown_by_category(alice: Account, bob: Account) -> None:
    run(define_template, OPERATOR, "research", Decimal("1.5"), [CODE, CODE_TOO, MATHS], NOW)
    run(assign_template, OPERATOR, alice.id, run(find_template, "research").id, NOW)
    expected = TemplateView(
        "research", Decimal("1.5"), (CategoryView("code", (CODE, CODE_TOO)), CategoryView("maths", (MATHS,)))
    )
    assert run(load_template, alice.id) == expected
    assert run(load_dashboard, alice.id, NOW).template == expected
    assert run(load_template, bob.id) is None


def test_models_are_grouped_by_category(alice: Account) -> None:
    run(define_template, OPERATOR, "research", Decimal(1), [CODE, MATHS, CODE_TOO], NOW)
    run(assign_template, OPERATOR, alice.id, run(find_template, "research").id, NOW)
    view = run(load_template, alice.id)
    assert view is not None
    assert view.categories == (CategoryView("code", (CODE, CODE_TOO)), CategoryView("maths", (MATHS,)))


def test_a_template_without_models_has_no_categories(alice: Account) -> None:
    run(define_template, OPERATOR, "bare", Decimal(2), [], NOW)
    run(assign_template, OPERATOR, alice.id, run(find_template, "bare").id, NOW)
    assert run(load_template, alice.id) == TemplateView("bare", Decimal(2), ())
