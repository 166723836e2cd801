"""The rights to read what belongs to everybody, checked in every load, since a page may outlive the role."""

from sqlalchemy.orm import Session

from portal.db.people.accounts import administrator
from portal.db.people.teams import manages_team
from portal.errors import Forbidden
from portal.rules.people.actors import Actor


def check_reader(session: Session, reader: Actor) -> None:
    """Raise Forbidden unless the reader is an active administrator or an operator, who has no account."""
    if reader.account_id is not None and administrator(session, reader.account_id) is None:
        raise Forbidden


def check_team_reader(session: Session, reader: Actor, team_id: int) -> None:
    """Raise Forbidden unless the reader is an active manager of this team, an administrator or an operator."""
    if reader.account_id is None or not manages_team(session, reader.account_id, team_id):
        check_reader(session, reader)
