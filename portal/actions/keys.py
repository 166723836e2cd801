"""API keys: creating, naming and revoking them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.authority import check_holder, existing_account
from portal.db.audit import add_entry
from portal.db.keys import MOST_KEYS, add_key, count_usable_keys, key
from portal.db.tables import ApiKey
from portal.errors import Conflict, InvalidInput, NotFound
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
    session: Session, actor: Actor, account_id: int, label: str, expires_at: datetime | None, now: datetime
) -> NewKey:
    """Create a key for an account; its secret is in the result and nowhere else.

    Raises InvalidInput for a bad label or an end in the past, Conflict for too many keys and, to operators, for an
    account that is suspended or deleted; Forbidden, and NotSignedIn when one's own account is suspended.
    """
    check_holder(session, actor, account_id)
    account = existing_account(session, account_id)
    if not account.active:
        name = account.username
        raise Conflict(
            message("The account {name} is suspended. Activate it first: portal user activate {name}", name=name)
        )
    text = clean_label(label)
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(message("The key must expire in the future."), "expires_at")
    if count_usable_keys(session, account_id, now) >= MOST_KEYS:
        raise Conflict(message("You have {most} keys. Revoke some that you no longer need.", most=MOST_KEYS))
    secret = new_secret(API_KEY)
    row = add_key(session, account_id, digest(secret), key_prefix(secret), text, expires_at, now)
    add_entry(session, actor, "key.create", now, account_id=account_id, prefix=row.prefix, label=text)
    return NewKey(row.id, secret, row.prefix, text)


def rename_key(session: Session, actor: Actor, account_id: int, key_id: int, label: str, now: datetime) -> ApiKey:
    """Give one of an account's keys another label. Raises Forbidden, NotSignedIn, NotFound and InvalidInput."""
    row = _key(session, actor, account_id, key_id)
    row.label = clean_label(label)
    add_entry(session, actor, "key.rename", now, account_id=account_id, prefix=row.prefix, label=row.label)
    return row


def revoke_key(session: Session, actor: Actor, account_id: int, key_id: int, now: datetime) -> ApiKey:
    """End one of an account's keys at once and for ever; its past usage stays. Again is fine.

    An operator ends keys of suspended accounts too, which would work again once their account is activated.
    Raises Forbidden, NotSignedIn and NotFound.
    """
    row = _key(session, actor, account_id, key_id)
    if row.revoked_at is None:
        row.revoked_at = now
        add_entry(session, actor, "key.revoke", now, account_id=account_id, prefix=row.prefix)
    return row


def clean_label(label: str) -> str:
    """Return a key's label, trimmed. Raises InvalidInput."""
    try:
        return clean_line(label, message("The label"), MAX_LABEL)
    except InvalidText as error:
        raise InvalidInput(error.sentence, "label") from error


def _key(session: Session, actor: Actor, account_id: int, key_id: int) -> ApiKey:
    check_holder(session, actor, account_id)
    row = key(session, account_id, key_id)
    if row is None:
        raise NotFound(message("You have no such key."))
    return row
