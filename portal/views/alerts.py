"""An account's alert settings, and what it was warned of."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.alerts import AlertSettings, alert_settings
from portal.db.crossings import told
from portal.db.mails import last_test
from portal.views.crossings import CrossingView, crossing_view

__all__ = ["AlertSettings", "PastAlert", "TestMail", "load_alerts", "load_past_alerts", "load_test_mail"]

SHOWN = 10
"""Past alerts on Billing."""


@dataclass(frozen=True, slots=True)
class PastAlert:
    """A crossing, and what became of the mail about it: its state, and why it was not sent; None without a mail."""

    crossing: CrossingView
    mail_state: str | None
    mail_error: str | None


@dataclass(frozen=True, slots=True)
class TestMail:
    """What has become of the test mail that an account asked for last; `error` is a sentence."""

    __test__ = False  # no test, whatever its name

    recipient: str
    asked_at: datetime
    state: str
    error: str | None


def load_test_mail(session: Session, account_id: int) -> TestMail | None:
    """Return the last test mail; None before there is any."""
    found = last_test(session, account_id)
    return None if found is None else TestMail(found.recipient, found.created_at, found.state, found.error)


def load_alerts(session: Session, account_id: int) -> AlertSettings:
    """Return the settings in force."""
    return alert_settings(session, account_id)


def load_past_alerts(session: Session, account_id: int) -> tuple[PastAlert, ...]:
    """Return what an account was warned of, newest first."""
    found = told(session, account_id, SHOWN)
    return tuple(PastAlert(crossing_view(each.crossing), each.mail_state, each.mail_error) for each in found)
