"""Deleting an account: the personal data are erased, the usage is kept."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, existing_account
from portal.actions.people.accounts import keep_an_administrator
from portal.db.audit import add_entry
from portal.db.people.accounts import account_named, lock_account
from portal.db.people.deletion import erase_person
from portal.errors import Conflict
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.text import deleted_username


def delete_account(session: Session, actor: Actor, account_id: int, now: datetime) -> str:
    """Erase the personal data of an account; return the new user name, which keeps the usage.

    Sessions and API keys end; name, email address, notes and mails are erased; events and sums stay. Usage of the keys
    that arrives later is counted under the new name. Raises Forbidden, NotFound, and Conflict if the account is the
    last active administrator or was deleted before.
    """
    check_administrator(session, actor)
    found = existing_account(session, account_id)
    keep_an_administrator(session, found)
    lock_account(session, found.id)
    session.refresh(found)
    existing_account(session, account_id)
    remains = deleted_username(found.id)
    if account_named(session, remains) is not None:
        raise Conflict(
            message(
                "There is an account called {remains} already, which is the name this one would get.", remains=remains
            )
        )
    erase_person(session, found, now)
    if actor.account_id == found.id:  # nothing of the own name stays either
        actor = replace(actor, name=remains, address=None)
    add_entry(session, actor, "account.delete", now, account_id=found.id)
    return remains
