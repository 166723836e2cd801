"""Teams: groups of accounts with a budget of their own, and the accounts that manage them."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, true
from sqlalchemy.orm import Mapped, mapped_column, validates

from portal.db.sql.types import BigId
from portal.db.tables.base import Table
from portal.rules.people.teams import team_key


class Team(Table):
    """A named group of accounts with a cost centre, and limits that its members share; null is unlimited.

    Its members are the accounts with its `team_id`. `name_key` is the name without upper case, so that no two teams
    differ in that only. A team that is not active refuses the requests of its members.
    """

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    name_key: Mapped[str] = mapped_column(unique=True)
    cost_centre: Mapped[str] = mapped_column(String(64))
    active: Mapped[bool] = mapped_column(default=True, server_default=true())
    daily: Mapped[int | None]
    monthly: Mapped[int | None]
    total: Mapped[int | None]
    created_at: Mapped[datetime]

    @validates("name")
    def _key_name(self, _: str, name: str) -> str:
        """Set `name_key` on every assignment of `name`."""
        self.name_key = team_key(name)
        return name


class TeamManager(Table):
    """An account that sees the usage of a team and decides the budget requests of its members."""

    __tablename__ = "team_managers"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)
