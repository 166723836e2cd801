"""Expert templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, select, update
from sqlalchemy.orm import Session

from portal.db.sql.text_list import among
from portal.db.sql.upsert import insert
from portal.db.tables import Account, ExpertModel, ExpertTemplate


@dataclass(frozen=True, slots=True)
class AssignedModel:
    """One model of a category; `required` models always answer, the others are the fallback."""

    category: str
    model: str
    endpoint: str
    required: bool


def template(session: Session, template_id: int) -> ExpertTemplate | None:
    """Return the template with this id."""
    return session.get(ExpertTemplate, template_id)


def template_named(session: Session, name: str) -> ExpertTemplate | None:
    """Return the template of this name."""
    return session.scalar(select(ExpertTemplate).where(ExpertTemplate.name == name))


def lock_template(session: Session, name: str) -> ExpertTemplate | None:
    """Return the template of this name, with its present values, and lock it until the transaction ends."""
    return session.scalar(_locked(name))


def _locked(name: str) -> Select[ExpertTemplate]:
    wanted = select(ExpertTemplate).where(ExpertTemplate.name == name)
    return wanted.with_for_update().execution_options(populate_existing=True)


def all_templates(session: Session) -> list[ExpertTemplate]:
    """Return every template by name; for operators."""
    return list(session.scalars(select(ExpertTemplate).order_by(ExpertTemplate.name)))


def template_of(session: Session, account_id: int) -> ExpertTemplate | None:
    """Return the template that is active for an account."""
    return session.scalar(
        select(ExpertTemplate).join(Account, Account.template_id == ExpertTemplate.id).where(Account.id == account_id)
    )


def models_of(session: Session, template_id: int) -> list[AssignedModel]:
    """Return a template's models in their order."""
    rows = session.execute(
        select(ExpertModel.category, ExpertModel.model, ExpertModel.endpoint, ExpertModel.required)
        .where(ExpertModel.template_id == template_id)
        .order_by(ExpertModel.position)
    )
    return [AssignedModel(*row) for row in rows]


def is_assigned(session: Session, template_id: int) -> bool:
    """Return whether the template is active for an account that is not deleted."""
    return bool(session.scalar(select(exists().where(has_template(template_id)))))


def has_template(template_id: Any) -> ColumnElement[bool]:
    """Return the condition of accounts with a template; deleted ones keep theirs for usage that arrives later."""
    return and_(Account.template_id == template_id, Account.deleted_at.is_(None))


def remove_template(session: Session, template_id: int) -> None:
    """Delete a template with its models; an account that is not deleted must not have it."""
    of_deleted = Account.template_id == template_id, Account.deleted_at.is_not(None)
    session.execute(update(Account).where(*of_deleted).values(template_id=None))
    session.execute(delete(ExpertModel).where(ExpertModel.template_id == template_id))
    session.execute(delete(ExpertTemplate).where(ExpertTemplate.id == template_id))


def cost_factors(session: Session, names: set[str]) -> dict[str, Decimal]:
    """Return the cost factors of the templates among `names`."""
    if not names:
        return {}
    rows = session.connection().execute(_COST_FACTORS, {"names": list(names)})
    return {row.name: row.cost_factor for row in rows}


_COST_FACTORS = select(ExpertTemplate.name, ExpertTemplate.cost_factor).where(among(ExpertTemplate.name, "names"))


def save_template(
    session: Session, name: str, cost_factor: Decimal, models: Sequence[AssignedModel], now: datetime
) -> ExpertTemplate:
    """Store a template, or replace the one of the same name."""
    new = insert(session, ExpertTemplate).values(name=name, cost_factor=cost_factor, created_at=now)
    session.execute(new.on_conflict_do_nothing())
    row = session.scalars(_locked(name)).one()
    row.cost_factor = cost_factor
    session.flush()
    session.execute(delete(ExpertModel).where(ExpertModel.template_id == row.id))
    session.add_all(
        ExpertModel(
            template_id=row.id,
            position=position,
            category=model.category,
            model=model.model,
            endpoint=model.endpoint,
            required=model.required,
        )
        for position, model in enumerate(models)
    )
    session.flush()
    return row
