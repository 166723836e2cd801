"""Creating and revoking admin tokens.

Decision: only a signed-in administrator for the own account, or an operator, creates and revokes tokens; a token cannot
make another one, so that a token that leaks never outlives its revocation.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.actions.fields import clean_field
from portal.db.audit import add_entry
from portal.db.people.accounts import administrator
from portal.db.people.admin_tokens import add_admin_token, admin_token, note_token_use
from portal.db.tables import AdminToken
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.rules.messages import message
from portal.rules.people.actors import Actor, Means
from portal.rules.people.admin_tokens import NOTED_EVERY, clean_scopes
from portal.rules.people.secrets import ADMIN_TOKEN, digest, key_prefix, new_secret
from portal.rules.text import MAX_LABEL, clean_line


@dataclass(frozen=True, slots=True)
class NewAdminToken:
    """A new token with its secret, which is shown only once."""

    id: int
    secret: str = field(repr=False)
    prefix: str
    label: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


def create_admin_token(
    session: Session,
    actor: Actor,
    account_id: int,
    label: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
    now: datetime,
) -> NewAdminToken:
    """Create a token of an administrator. Only the result has the secret; it is not stored.

    Raises Forbidden, InvalidInput for an invalid label, scope or end, and Conflict if the account may not administer.
    """
    _check_creator(session, actor, account_id)
    if administrator(session, account_id) is None:
        raise Conflict(message("Only an active administrator can have admin tokens."))
    text = clean_field("label", clean_line, label, message("The label"), MAX_LABEL)
    wanted = clean_field("scopes", clean_scopes, scopes)
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(message("The token must expire in the future."), "expires_at")
    secret = new_secret(ADMIN_TOKEN)
    prefix = key_prefix(secret)
    row = add_admin_token(session, account_id, digest(secret), prefix, text, " ".join(wanted), expires_at, now)
    add_entry(
        session, actor, "admin_token.create", now, account_id=account_id, prefix=prefix, label=text, scopes=list(wanted)
    )
    return NewAdminToken(row.id, secret, prefix, text, wanted, expires_at)


def revoke_admin_token(session: Session, actor: Actor, token_id: int, now: datetime) -> AdminToken:
    """Revoke a token at once and for ever. May be repeated. Raises Forbidden and NotFound."""
    check_administrator(session, actor)
    row = admin_token(session, token_id)
    if row is None:
        raise NotFound(message("There is no such admin token."))
    if actor.means is Means.ADMIN_TOKEN:
        raise Forbidden
    if row.revoked_at is None:
        row.revoked_at = now
        add_entry(session, actor, "admin_token.revoke", now, account_id=row.account_id, prefix=row.prefix)
    return row


def note_admin_token_use(session: Session, token_id: int, now: datetime) -> None:
    """Store that a token is in use. Writes at most once in `NOTED_EVERY`."""
    note_token_use(session, token_id, now, NOTED_EVERY)


def _check_creator(session: Session, actor: Actor, account_id: int) -> None:
    check_administrator(session, actor)
    if actor.means is Means.ADMIN_TOKEN or actor.account_id not in {None, account_id}:
        raise Forbidden
