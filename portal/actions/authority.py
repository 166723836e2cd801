"""The rights of an actor, read in every transaction, since a page may stay open after the rights have changed.

Decision: an administrator who acts as a person changes nothing. Every function here that takes an actor refuses this
one first, so that no action needs a check of its own.
"""

from sqlalchemy.orm import Session

from portal.db.people.accounts import account, active_account, administrator
from portal.db.people.teams import manages_account, manages_team
from portal.db.tables import Account
from portal.errors import Conflict, Forbidden, NotFound, NotSignedIn, OnlyLooking
from portal.rules.messages import message
from portal.rules.people.actors import Actor, Means


def refuse_acting(actor: Actor) -> None:
    """Raise OnlyLooking for an administrator who acts as a person."""
    if actor.means is Means.ACTING:
        raise OnlyLooking


def check_administrator(session: Session, actor: Actor) -> None:
    """Raise Forbidden unless the actor is an active administrator or an operator, who has no account."""
    refuse_acting(actor)
    if actor.account_id is not None and administrator(session, actor.account_id) is None:
        raise Forbidden


def check_holder(session: Session, actor: Actor, account_id: int) -> None:
    """Raise Forbidden unless the actor has this account or is an operator; NotSignedIn if it is suspended."""
    refuse_acting(actor)
    if actor.account_id not in (None, account_id):
        raise Forbidden
    if actor.account_id is not None:
        own_account(session, actor)


def check_holder_or_administrator(session: Session, actor: Actor, account_id: int) -> None:
    """Raise Forbidden unless the actor has this account, is an administrator or an operator; NotSignedIn as above."""
    if actor.account_id == account_id:
        check_holder(session, actor, account_id)
    else:
        check_administrator(session, actor)


def check_team_manager(session: Session, actor: Actor, team_id: int) -> None:
    """Raise Forbidden unless the actor is an active manager of this team, an administrator or an operator."""
    refuse_acting(actor)
    if actor.account_id is None or not manages_team(session, actor.account_id, team_id):
        check_administrator(session, actor)


def check_manager_of_account(session: Session, actor: Actor, account_id: int) -> None:
    """Raise Forbidden unless the actor manages the team of this account, is an administrator or an operator.

    Managers decide about others, never about their own account.
    """
    refuse_acting(actor)
    if actor.account_id is None or not manages_account(session, actor.account_id, account_id):
        check_administrator(session, actor)


def own_account(session: Session, actor: Actor) -> Account:
    """Return the active account of the actor, which stays active until the transaction ends. Raises NotSignedIn."""
    refuse_acting(actor)
    return signed_in_account(session, actor.account_id)


def signed_in_account(session: Session, account_id: int | None) -> Account:
    """Return an active account, which stays active until the transaction ends. Raises NotSignedIn."""
    found = None if account_id is None else active_account(session, account_id)
    if found is None:
        raise NotSignedIn
    return found


def known_account(session: Session, account_id: int) -> Account:
    """Return an account, deleted or not, for an operator. Raises NotFound."""
    found = account(session, account_id)
    if found is None:
        raise NotFound(message("There is no such account."))
    return found


def existing_account(session: Session, account_id: int) -> Account:
    """Return an account for an operator. Raises NotFound, and Conflict for a deleted account."""
    found = known_account(session, account_id)
    if found.deleted_at is not None:
        raise Conflict(message("The account {username} was deleted. Only its usage is kept.", username=found.username))
    return found
