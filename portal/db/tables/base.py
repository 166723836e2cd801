"""The base class of all tables."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import MetaData, Text
from sqlalchemy.orm import DeclarativeBase

from portal.db.sql.types import BigId, Instant, Rate

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

CLUSTERED = {"sqlite_with_rowid": False}
"""For tables that are read by their primary key: SQLite then stores one tree for the table instead of two."""


class Table(DeclarativeBase):
    """The base class: predictable names of constraints, so that migrations can refer to them."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {int: BigId, datetime: Instant, Decimal: Rate, str: Text}  # noqa: RUF012  # read by SQLAlchemy only
