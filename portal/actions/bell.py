"""Reading the bell."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.spending.budget_requests import read_answers
from portal.actions.spending.crossings import read_crossings
from portal.rules.people.actors import Actor


def read_bell(
    session: Session, actor: Actor, last_crossing: int | None, last_answer: datetime | None, now: datetime
) -> None:
    """Mark what the bell of the actor's account shows as read, up to these entries. Raises NotSignedIn."""
    if last_crossing is not None:
        read_crossings(session, actor, last_crossing, now)
    if last_answer is not None:
        read_answers(session, actor, last_answer, now)
