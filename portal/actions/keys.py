"""API keys: creating, naming and revoking one's own."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.accounts import active_account
from portal.db.audit import add_entry
from portal.db.keys import MOST_KEYS, add_key, count_usable_keys, key
from portal.db.tables import Account, ApiKey
from portal.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from portal.rules.actors import Actor
from portal.rules.messages import message
from portal.rules.secrets import API_KEY, digest, key_prefix, new_secret
from portal.rules.text import MAX_LABEL, InvalidText, clean_line


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is shown exactly once."""

    id: int
    secret: str
    prefix: str
    label: str


def create_key(
    session: Session,
    account_id: int,
    label: str,
    expires_at: datetime | None,
    now: datetime,
    actor: Actor | None = None,
) -> NewKey:
    """Create a key for an account; its secret is in the answer and nowhere else.

    Raises InvalidInput for a bad label or an end in the past, Conflict for too many keys, NotSignedIn when suspended.
    """
    own = _owner(session, account_id)
    text = clean_label(label)
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(message("The key must expire in the future."), "expires_at")
    if count_usable_keys(session, account_id, now) >= MOST_KEYS:
        raise Conflict(message("You have {most} keys. Revoke some that you no longer need.", most=MOST_KEYS))
    secret = new_secret(API_KEY)
    row = add_key(session, account_id, digest(secret), key_prefix(secret), text, expires_at, now)
    add_entry(session, actor or own.username, "key.create", now, account_id=account_id, prefix=row.prefix, label=text)
    return NewKey(row.id, secret, row.prefix, text)


def rename_key(session: Session, account_id: int, key_id: int, label: str, now: datetime) -> ApiKey:
    """Give one of the account's keys another label. Raises NotFound and InvalidInput."""
    own = _owner(session, account_id)
    row = _own_key(session, account_id, key_id)
    row.label = clean_label(label)
    add_entry(session, own.username, "key.rename", now, account_id=account_id, prefix=row.prefix, label=row.label)
    return row


def revoke_key(session: Session, account_id: int, key_id: int, now: datetime, actor: Actor | None = None) -> ApiKey:
    """End one of the account's keys at once and for ever; its past usage stays. Again is fine. Raises NotFound.

    An operator (`actor`) ends keys of suspended accounts too, which could come to life again with their account.
    """
    who = actor or _owner(session, account_id).username
    row = _own_key(session, account_id, key_id)
    if row.revoked_at is None:
        row.revoked_at = now
        add_entry(session, who, "key.revoke", now, account_id=account_id, prefix=row.prefix)
    return row


def clean_label(label: str) -> str:
    """Return a key's label, trimmed. Raises InvalidInput."""
    try:
        return clean_line(label, message("The label"), MAX_LABEL)
    except InvalidText as error:
        raise InvalidInput(error.sentence, "label") from error


def _owner(session: Session, account_id: int) -> Account:
    own = active_account(session, account_id)
    if own is None:
        raise NotSignedIn
    return own


def _own_key(session: Session, account_id: int, key_id: int) -> ApiKey:
    row = key(session, account_id, key_id)
    if row is None:
        raise NotFound(message("You have no such key."))
    return row
