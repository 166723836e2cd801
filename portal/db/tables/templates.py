"""Expert templates."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import Table


class ExpertTemplate(Table):
    """A set of models by category of question, with its cost factor."""

    __tablename__ = "expert_templates"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    cost_factor: Mapped[Decimal]
    created_at: Mapped[datetime]


class ExpertModel(Table):
    """One model of a template's category; optional ones are the second tier."""

    __tablename__ = "expert_models"

    template_id: Mapped[int] = mapped_column(ForeignKey("expert_templates.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(200))
    endpoint: Mapped[str] = mapped_column(String(200))
    required: Mapped[bool]
