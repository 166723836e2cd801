"""The list of expert templates: searched, sorted and paged by the database."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, or_, select

from portal.db.sql.functions import contains, folded
from portal.db.sql.lists import ListQuery
from portal.db.tables import Account, ExpertModel, ExpertTemplate
from portal.db.templates import has_template
from portal.rules.lists import ListFilter


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template in the list, with the number of its models and categories, and of the accounts that have it."""

    id: int
    name: str
    cost_factor: Decimal
    models: int
    categories: int
    accounts: int


def _count(counted: object, *conditions: object) -> object:
    return select(func.count(counted)).where(*conditions).correlate(ExpertTemplate).scalar_subquery()  # type: ignore[arg-type]  # columns


_OF_IT = ExpertModel.template_id == ExpertTemplate.id
_MODELS = _count(ExpertModel.position, _OF_IT)
_CATEGORIES = _count(ExpertModel.category.distinct(), _OF_IT)
_ACCOUNTS = _count(Account.id, has_template(ExpertTemplate.id))


def template_list(wanted: ListFilter) -> ListQuery[TemplateRow]:
    """Return the templates that match a filter; `search` looks in their names and models."""
    statement = select(
        *(ExpertTemplate.id, ExpertTemplate.name, ExpertTemplate.cost_factor, _MODELS, _CATEGORIES, _ACCOUNTS)  # type: ignore[call-overload]
    )
    if wanted.search:
        has_model = select(ExpertModel.position).where(_OF_IT, contains(wanted.search, ExpertModel.model)).exists()
        statement = statement.where(or_(contains(wanted.search, ExpertTemplate.name), has_model))
    return ListQuery(
        statement,
        {"name": folded(ExpertTemplate.name), "models": _MODELS, "accounts": _ACCOUNTS},
        ExpertTemplate.id,
        lambda row: TemplateRow(*row[:6]),
    )
