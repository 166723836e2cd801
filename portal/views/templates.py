"""Which models answer an account's questions."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.templates import AssignedModel, models_of, template_of


@dataclass(frozen=True, slots=True)
class CategoryView:
    """One category of questions and its models, in their order."""

    name: str
    models: tuple[AssignedModel, ...]


@dataclass(frozen=True, slots=True)
class TemplateView:
    """The active expert template of an account."""

    name: str
    cost_factor: Decimal
    categories: tuple[CategoryView, ...]


def load_template(session: Session, account_id: int) -> TemplateView | None:
    """Return an account's active expert template; None without one."""
    template = template_of(session, account_id)
    if template is None:
        return None
    categories: dict[str, list[AssignedModel]] = {}
    for model in models_of(session, template.id):
        categories.setdefault(model.category, []).append(model)
    return TemplateView(
        template.name,
        template.cost_factor,
        tuple(CategoryView(name, tuple(group)) for name, group in categories.items()),
    )
