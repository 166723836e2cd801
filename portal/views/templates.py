"""The expert template of an account, and all templates for operators."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.tables import ExpertTemplate
from portal.db.templates import AssignedModel as AssignedModel  # noqa: PLC0414  # for commands, which do not import db
from portal.db.templates import all_templates, models_of, template_named, template_of
from portal.errors import NotFound
from portal.rules.messages import message


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


@dataclass(frozen=True, slots=True)
class TemplateModels:
    """An expert template and its models, in their order; for operators."""

    id: int
    name: str
    cost_factor: Decimal
    models: tuple[AssignedModel, ...]


def load_templates(session: Session) -> tuple[TemplateModels, ...]:
    """Return all expert templates by name; for operators."""
    return tuple(_template_models(session, row) for row in all_templates(session))


def find_template(session: Session, name: str) -> TemplateModels:
    """Return the expert template of this name, for operators. Raises NotFound."""
    row = template_named(session, name)
    if row is None:
        raise NotFound(message("There is no expert template called {name}.", name=name))
    return _template_models(session, row)


def _template_models(session: Session, row: ExpertTemplate) -> TemplateModels:
    return TemplateModels(row.id, row.name, row.cost_factor, tuple(models_of(session, row.id)))


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
