"""Mails that could not be sent, for operators."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.db.outbox import failed_messages
from portal.db.people.accounts import account

DAYS = 30
MOST = 1000


@dataclass(frozen=True, slots=True)
class FailedMail:
    """A message that was given up; `username` is the name of its account. `can_repeat`: its text is kept."""

    id: int
    given_up_at: datetime | None
    username: str | None
    recipient: str | None
    subject: str
    kind: str
    tries: int
    reason: str | None
    channel: str
    can_repeat: bool


def load_failed_mails(session: Session, now: datetime) -> tuple[FailedMail, ...]:
    """Return the mails of the last 30 days that were given up, newest first; at most 1,000."""
    found = []
    for mail in failed_messages(session, now - timedelta(DAYS), MOST):
        owner = None if mail.account_id is None else account(session, mail.account_id)
        username, recipient = owner.username if owner else None, mail.recipient or None
        what = mail.subject, mail.kind, mail.tries, mail.error, mail.channel, mail.can_repeat
        found.append(FailedMail(mail.id, mail.finished_at, username, recipient, *what))
    return tuple(found)
