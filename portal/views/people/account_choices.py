"""The teams and the expert templates that an administrator chooses from for accounts."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.db.people.teams import team_choices
from portal.db.templates import all_templates
from portal.rules.people.actors import Actor
from portal.views.authority import check_reader


@dataclass(frozen=True, slots=True)
class AccountChoices:
    """The names of the active teams and of the expert templates, each in order."""

    teams: tuple[str, ...]
    templates: tuple[str, ...]


def load_account_choices(session: Session, reader: Actor) -> AccountChoices:
    """Return them. Raises Forbidden."""
    check_reader(session, reader)
    teams = tuple(name for _, name, active in team_choices(session) if active)
    return AccountChoices(teams, tuple(row.name for row in all_templates(session)))
