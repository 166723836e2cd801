"""Creating accounts."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.actions.fields import clean_field
from portal.actions.people.accounts import check_email_is_free, clean_display_name
from portal.actions.people.password_resets import LinkDelivery, PasswordLink, mail_password_link, make_password_link
from portal.actions.spending.budgets import check_limits
from portal.db import templates
from portal.db.audit import add_entry
from portal.db.people.accounts import account_named, add_account
from portal.db.people.teams import team_named
from portal.db.spending.budgets import set_limits
from portal.db.spending.default_budgets import apply_default_budget
from portal.db.tables import Account
from portal.errors import Conflict, InvalidInput
from portal.rules.messages import message
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor
from portal.rules.spending.budgets import Limits
from portal.rules.text import clean_email, clean_new_username


def create_account(
    session: Session,
    actor: Actor,
    username: str,
    email: str,
    role: Role,
    password_hash: str | None,
    now: datetime,
    display_name: str | None = None,
    *,
    limits: Limits | None = None,
    template: str | None = None,
    team: str | None = None,
) -> Account:
    """Create an account, with the default budget of its role if `limits` is None; template and team are names.

    The caller hashes the password before the transaction (`hash_new_password`). Raises Forbidden, InvalidInput for a
    limit out of bounds and for an unknown template or team, and the errors of `check_new_account`.
    """
    check_administrator(session, actor)
    name, address, shown = check_new_account(session, username, email, display_name)
    template_id = None if template is None else template_id_named(session, template)
    team_id = None if team is None else team_id_named(session, team)
    if limits is not None:
        check_limits(limits)
    try:
        created = add_account(session, name, shown, address, role, password_hash, now)
    except IntegrityError as error:  # another transaction has just taken it
        raise Conflict(
            message(
                "There is an account called {name}, or with the address {address}, already.", name=name, address=address
            )
        ) from error
    new: dict[str, object] = {"username": name, "email": address, "display_name": shown, "role": role}
    if limits is None:
        limits = apply_default_budget(session, created.id, role, now)
    else:
        set_limits(session, created.id, limits, now)
    if limits is not None:
        new["budget"] = asdict(limits)
    if template_id is not None:
        created.template_id, new["template"] = template_id, template
    if team_id is not None:
        created.team_id, new["team"] = team_id, team
    add_entry(session, actor, "account.create", now, account_id=created.id, after=new)
    return created


def create_account_with_link(
    session: Session,
    actor: Actor,
    username: str,
    email: str,
    role: Role,
    now: datetime,
    display_name: str | None = None,
    *,
    delivery: LinkDelivery,
    limits: Limits | None = None,
    template: str | None = None,
    team: str | None = None,
) -> tuple[str, PasswordLink | None]:
    """Create an account without a password, and its password link; return user name and the link if it is to be shown.

    Raises the errors of `create_account` and `mail_password_link`.
    """
    fields = (username, email, role, None, now, display_name)
    created = create_account(session, actor, *fields, limits=limits, template=template, team=team)
    if delivery is LinkDelivery.MAIL:
        mail_password_link(session, actor, created.id, now)
    link = make_password_link(session, actor, created.id, now) if delivery is LinkDelivery.SHOW else None
    return created.username, link


def check_new_account(
    session: Session, username: str, email: str, display_name: str | None = None
) -> tuple[str, str, str]:
    """Return the user name, email address and display name to store for a new account.

    Raises InvalidInput for a malformed value, and Conflict if the user name or address is in use.
    """
    name = clean_field("username", clean_new_username, username)
    address = clean_field("email", clean_email, email)
    shown = clean_display_name(display_name or name)
    if account_named(session, name) is not None:
        raise Conflict(message("There is an account called {name} already.", name=name), "username")
    check_email_is_free(session, address)
    return name, address, shown


def template_id_named(session: Session, name: str) -> int:
    """Return the id of the expert template of this name. Raises InvalidInput without one."""
    found = templates.template_named(session, name)
    if found is None:
        raise InvalidInput(message("There is no expert template called {name}.", name=name), "template")
    return found.id


def team_id_named(session: Session, name: str) -> int:
    """Return the id of the active team of this name. Raises InvalidInput without one."""
    found = team_named(session, name)
    if found is None:
        raise InvalidInput(message("There is no team called {name}.", name=name), "team")
    if not found.active:
        raise InvalidInput(message("The team {name} is suspended. Activate it first.", name=found.name), "team")
    return found.id
