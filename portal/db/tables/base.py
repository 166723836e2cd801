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
"""For tables that are found by their key: SQLite keeps the rows in it, and so writes one tree for each, not two."""


class Table(DeclarativeBase):
    """What all tables share: predictable names for constraints, so that migrations can name them."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {int: BigId, datetime: Instant, Decimal: Rate, str: Text}  # noqa: RUF012  # read by SQLAlchemy only
