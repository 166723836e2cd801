"""The first steps of a new portal: connect a gateway, add people, set budgets, set up mail."""

from dataclasses import astuple, dataclass
from typing import ClassVar

from sqlalchemy.orm import Session

from portal.db.people.accounts import administrator
from portal.db.people.first_steps import steps_done
from portal.rules.people.actors import Actor
from portal.settings import settings
from portal.views.authority import check_reader


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """Which steps are done: a gateway has reported, there are two accounts, a limit, and a mail server."""

    COUNT: ClassVar[int] = 4

    gateway: bool
    people: bool
    budgets: bool
    mail: bool

    @property
    def done(self) -> int:
        """The number of steps that are done."""
        return sum(astuple(self))

    @property
    def is_complete(self) -> bool:
        """Whether all steps are done."""
        return self.done == self.COUNT


def load_open_steps(session: Session, account_id: int) -> FirstSteps | None:
    """Return the first steps for the dashboard of an administrator; None if all are done, and for everybody else."""
    if settings().is_desktop or administrator(session, account_id) is None:
        return None
    view = FirstSteps(*steps_done(session), settings().mail_is_set_up)
    return None if view.is_complete else view


def load_first_steps(session: Session, reader: Actor) -> FirstSteps:
    """Return the state of the first steps; the time does not depend on the number of rows. Raises Forbidden."""
    check_reader(session, reader)
    return FirstSteps(*steps_done(session), settings().mail_is_set_up)
