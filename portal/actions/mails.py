"""Mails that an account asks for, or is sent about itself."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.authority import own_account
from portal.db.alerts import alert_settings
from portal.db.audit import add_entry
from portal.db.mails import NewMail, add_mail, mails_of
from portal.db.tables import Account
from portal.errors import Conflict
from portal.mails import Content, email_changed_mail, password_changed_mail, test_mail
from portal.rules.actors import Actor
from portal.rules.mails import Kind, State
from portal.rules.periods import zone_or
from portal.settings import settings


def send_test_mail(session: Session, actor: Actor, now: datetime) -> str:
    """Queue a mail to where an account's alerts go, and return that address.

    Raises Conflict with the reason where none can be sent, and NotSignedIn when suspended.
    """
    own = own_account(session, actor)
    recipient = alert_settings(session, own.id).email or own.email
    content = test_mail(own.display_name, own.language, settings().base_url or "")
    add_mail(session, NewMail(own.id, Kind.TEST, recipient, *content), now)
    (queued,) = mails_of(session, own.id, 1)
    if queued.state == State.FAILED:
        raise Conflict(queued.error)
    add_entry(session, actor, "mail.test", now, account_id=own.id)
    return recipient


def queue_password_notice(session: Session, account: Account, now: datetime) -> None:
    """Tell an account that its password was changed, whoever did so; nothing where mail is not set up."""
    _queue_notice(session, account, password_changed_mail, now)


def queue_email_notice(session: Session, account: Account, now: datetime) -> None:
    """Tell the address that an account still has that it will have another one; nothing where mail is not set up."""
    _queue_notice(session, account, email_changed_mail, now)


def _queue_notice(
    session: Session, account: Account, write: Callable[[str, str, datetime, ZoneInfo], Content], now: datetime
) -> None:
    if settings().mail_is_set_up and account.email:
        tz = zone_or(account.time_zone, settings().budget_zone)
        content = write(account.display_name, account.language, now, tz)
        add_mail(session, NewMail(account.id, Kind.NOTICE, account.email, *content), now)
