"""Alert settings and past alerts of an account."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.outbox import NOT_SET_UP, last_test
from portal.db.spending.alerts import AlertSettings, alert_settings
from portal.db.spending.crossings import AlertWithMail, alerts_with_mail
from portal.rules.messages import Message, message
from portal.rules.outbox import State
from portal.settings import settings
from portal.views.spending.budget import BudgetsView
from portal.views.spending.crossings import CrossingView, crossing_view
from portal.words.stored_reasons import stored_sentence

__all__ = ["AlertSettings", "PastAlert", "TestMail", "alert_settings", "load_past_alerts", "load_test_mail"]

WARNED_BEFORE = message("You had been warned already.")
IN_ONE_MAIL = message("One mail tells of the highest threshold.")
WERE_OFF = message("Alerts were off.")
WAS_NOT_SET_UP = message("Mail was not set up.")
SHOWN = 10
"""Number of past alerts on Billing."""


@dataclass(frozen=True, slots=True)
class PastAlert:
    """A crossing and the state of its mail; `why` is a sentence why no mail was sent.

    `is_trouble` is whether sending failed although the mail was wanted and mail is set up.
    """

    crossing: CrossingView
    mail_state: State
    why: Message | str = ""
    is_trouble: bool = False


@dataclass(frozen=True, slots=True)
class TestMail:
    """The state of the last test mail of an account; `error` is a sentence."""

    __test__ = False  # pytest: this is not a test

    recipient: str
    asked_at: datetime
    state: str
    error: Message | None


def load_test_mail(session: Session, account_id: int) -> TestMail | None:
    """Return the last test mail; None without one."""
    found = last_test(session, account_id)
    if found is None:
        return None
    error = stored_sentence(found.error) if found.error else None
    return TestMail(found.recipient, found.created_at, found.state, error)


def load_past_alerts(session: Session, account_id: int, budgets: BudgetsView, now: datetime) -> tuple[PastAlert, ...]:
    """Return the last alerts of an account, newest first."""
    found = alerts_with_mail(session, account_id, SHOWN)
    return tuple(_past_alert(each, found, crossing_view(each.crossing, budgets, now)) for each in found)


def _past_alert(one: AlertWithMail, all_of: list[AlertWithMail], crossing: CrossingView) -> PastAlert:
    if one.mail_state is None:
        return PastAlert(crossing, State.FAILED, _why_no_mail(one, all_of))
    if one.mail_error == NOT_SET_UP:
        return PastAlert(crossing, State.FAILED, _why_not_set_up())
    state = State(one.mail_state)
    return PastAlert(
        crossing, state, stored_sentence(one.mail_error) if one.mail_error else "", is_trouble=state is State.FAILED
    )


def _why_no_mail(one: AlertWithMail, all_of: list[AlertWithMail]) -> Message | str:
    """Return why no mail was queued for a crossing."""
    row = one.crossing
    if row.read_at == row.crossed_at:
        return WARNED_BEFORE
    for each in all_of:
        other = each.crossing
        if each.mail_state is not None and (other.period, other.crossed_at) == (row.period, row.crossed_at):
            return _why_not_set_up() if each.mail_error == NOT_SET_UP else IN_ONE_MAIL
    return WERE_OFF


def _why_not_set_up() -> Message | str:
    """Return that mail was not set up then; "" while it is not set up, since Billing shows this below the form."""
    return WAS_NOT_SET_UP if settings().mail_is_set_up else ""
