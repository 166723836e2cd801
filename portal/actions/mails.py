"""Mails that an account asks for."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.accounts import account
from portal.db.alerts import alert_settings
from portal.db.audit import add_entry
from portal.db.mails import NewMail, add_mail, mails_of
from portal.errors import Conflict, NotSignedIn
from portal.mails import test_mail
from portal.rules.mails import Kind, State
from portal.settings import settings


def send_test_mail(session: Session, account_id: int, now: datetime) -> str:
    """Queue a mail to where an account's alerts go, and return that address.

    Raises Conflict with the reason where none can be sent, and NotSignedIn when suspended.
    """
    own = account(session, account_id)
    if own is None or not own.active:
        raise NotSignedIn
    recipient = alert_settings(session, account_id).email or own.email
    content = test_mail(own.display_name, own.language, settings().base_url or "")
    mail = NewMail(account_id, Kind.TEST, recipient, content.subject, content.text, content.html)
    add_mail(session, mail, now)
    (queued,) = mails_of(session, account_id, 1)
    if queued.state == State.FAILED:
        raise Conflict(queued.error)
    add_entry(session, own.username, "mail.test", now, account_id=account_id)
    return recipient
