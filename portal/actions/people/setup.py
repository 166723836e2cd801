"""Creating the first administrator, with a link that each start prints, from environment variables, or of a desktop.

Decision: the link is valid until an active administrator exists, not only an account. So an operator who has created
ordinary accounts or imported people can still use it.

Decision: the person of the desktop program has the account `local`, without a password. Each start opens its only
session, so it needs no sign-in, and a session of an earlier run is worth nothing.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.fields import clean_field
from portal.actions.metering.verification import recount_all
from portal.actions.people.accounts import hash_new_password
from portal.actions.people.new_accounts import create_account
from portal.actions.people.sessions import Browser, SignIn, open_session_for
from portal.actions.spending.default_budgets import set_default_budget
from portal.actions.spending.prices import enter_price
from portal.db.audit import add_entry
from portal.db.metering.events import has_events
from portal.db.people.accounts import account_named, add_account, has_active_administrator
from portal.db.people.sessions import end_sessions, forget_old, has_setup_link, replace_setup_link, use_setup_link
from portal.db.sql.schema import locked_budget_timezone
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Conflict, NotFound
from portal.rules.messages import Message, message
from portal.rules.people.accounts import LOCAL, Role
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import digest
from portal.rules.spending.budgets import Limits
from portal.rules.text import clean_username
from portal.settings import settings

ENVIRONMENT = Actor(Means.ENVIRONMENT)
_WINDOW = Browser("MoE Portal", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class LocalPerson:
    """The user of the operating system, as the local account is created; what the person changes later stays."""

    display_name: str
    language: str
    time_zone: str


def new_setup_link(session: Session, now: datetime) -> str | None:
    """Return a new one-time token for creating the first administrator; None if an active one exists."""
    if has_active_administrator(session):
        return None
    token = secrets.token_urlsafe(32)
    replace_setup_link(session, digest(token), now)
    return token


def setup_link_is_good(session: Session, token: str) -> bool:
    """Return whether a setup token may still be used."""
    return not has_active_administrator(session) and has_setup_link(session, digest(token))


def why_setup_link_ended(session: Session) -> Message:
    """Return why a setup link may not be used, and what to do."""
    if has_active_administrator(session):
        return message(
            "This setup link has ended, since there is an administrator. Sign in, or ask them for an account."
        )
    return message(
        "This setup link was used, or replaced by a newer one. As long as there is no administrator, each start of the "
        "portal prints a new link. On the server, this command creates one too: "
        "portal user create NAME --email ADDRESS --role admin"
    )


@dataclass(frozen=True, slots=True)
class FirstFigures:
    """The general price in EUR per billable token, and the monthly limit of new users and experts; None is none.

    `budget_zone` is the zone of days and months; None leaves it as it is.
    """

    price: Decimal | None = None
    monthly: int | None = None
    budget_zone: ZoneInfo | None = None


def may_choose_zone(session: Session) -> bool:
    """Return whether the budget time zone may be chosen: no variable sets it, and nothing was counted yet."""
    return settings().budget_timezone is None and not has_events(session)


def set_up(
    token: str, username: str, email: str, password: str, now: datetime, figures: FirstFigures = FirstFigures()
) -> None:
    """Create the first administrator, with what a new portal needs, or nothing of it.

    Raises NotFound for a used or unknown token, InvalidInput and Conflict.
    Opens its own transactions, since hashing is slow.
    """
    if not run_in_reading(setup_link_is_good, token):
        raise NotFound(run_in_reading(why_setup_link_ended))
    password_hash = hash_new_password(password, username)
    run_in_transaction(_create_first, token, username, email, password_hash, now, figures)
    if figures.budget_zone is not None:
        settings().adopt_zone(figures.budget_zone.key)


def _create_first(
    session: Session,
    token: str,
    username: str,
    email: str,
    password_hash: str,
    now: datetime,
    figures: FirstFigures,
) -> None:
    if has_active_administrator(session) or not use_setup_link(session, digest(token)):
        raise NotFound(why_setup_link_ended(session))
    actor = Actor(Means.SETUP_LINK)
    create_account(session, actor, username, email, Role.ADMIN, password_hash, now)
    if figures.budget_zone is not None:
        _choose_zone(session, actor, figures.budget_zone, now)
    if figures.price is not None:
        enter_price(session, actor, figures.price, now, now)
    if figures.monthly is not None:
        for role in (Role.USER, Role.EXPERT):
            set_default_budget(session, actor, role, Limits(monthly=figures.monthly), now)


def _choose_zone(session: Session, actor: Actor, budget_zone: ZoneInfo, now: datetime) -> None:
    """Count days in another zone. Raises Conflict if the zone may not be chosen any more."""
    if locked_budget_timezone(session) == budget_zone.key:
        return
    if not may_choose_zone(session):
        raise Conflict(message("The time zone cannot be chosen any more."), "budget_timezone")
    recount_all(session, actor, budget_zone, now)


def create_first_administrator(username: str, email: str | None, password: str, now: datetime) -> bool:
    """Create an administrator unless an active one exists; return whether it was created.

    A suspended administrator of that name stays suspended; the setup link still works then. Without an email address
    the account gets no mail. Opens its own transactions, since hashing is slow. Raises InvalidInput and Conflict.
    """
    if run_in_reading(has_active_administrator):
        return False
    password_hash = hash_new_password(password, username)
    return run_in_transaction(_create_named, username, email, password_hash, now)


def _create_named(session: Session, username: str, email: str | None, password_hash: str, now: datetime) -> bool:
    if has_active_administrator(session):  # another process has created one
        return False
    found = account_named(session, username.strip().lower())
    if found is not None and found.role == Role.ADMIN:
        return False
    if found is not None:
        raise Conflict(
            message("The account {username} exists and is no administrator. Name another one.", username=username)
        )
    if email is not None:
        create_account(session, ENVIRONMENT, username, email, Role.ADMIN, password_hash, now)
        return True
    name = clean_field("username", clean_username, username)
    created = add_account(session, name, name, "", Role.ADMIN, password_hash, now)
    new = {"username": name, "role": Role.ADMIN}
    add_entry(session, ENVIRONMENT, "account.create", now, account_id=created.id, after=new)
    return True


def open_local_session(session: Session, person: LocalPerson, now: datetime) -> SignIn:
    """Open the only session of the local account; create the account first if there is none.

    Sessions of earlier runs end. An account that was suspended or is no administrator becomes an active one, since a
    backup of a server may contain such an account.
    """
    account = account_named(session, LOCAL)
    if account is None:
        account = add_account(session, LOCAL, person.display_name, "", Role.ADMIN, None, now)
        account.language, account.time_zone = person.language, person.time_zone
        actor, new = Actor(Means.DESKTOP), {"username": LOCAL, "role": Role.ADMIN}
        add_entry(session, actor, "account.create", now, account_id=account.id, after=new)
    account.role, account.active = Role.ADMIN, True
    end_sessions(session, account.id)
    forget_old(session, now)
    return open_session_for(session, account.id, _WINDOW, now)
