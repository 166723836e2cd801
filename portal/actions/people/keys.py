"""Creating, renaming and revoking API keys."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.authority import check_holder, check_holder_or_administrator, existing_account
from portal.actions.fields import clean_field
from portal.db.audit import add_entry
from portal.db.people.keys import MOST_KEYS, add_key, count_usable_keys, key
from portal.db.tables import ApiKey
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.people.secrets import API_KEY, digest, key_prefix, new_secret
from portal.rules.text import MAX_LABEL, clean_line


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key with its secret, which is shown only once."""

    id: int
    secret: str
    prefix: str
    label: str


def create_key(
    session: Session, actor: Actor, account_id: int, label: str, expires_at: datetime | None, now: datetime
) -> NewKey:
    """Create a key for an account. Only the result has the secret; it is not stored.

    Raises InvalidInput for an invalid label or an end in the past, Conflict if there are too many keys, Forbidden, and
    NotSignedIn if the actor's account is suspended. Administrators and operators get Conflict for a suspended or
    deleted account.
    """
    check_holder_or_administrator(session, actor, account_id)
    account = existing_account(session, account_id)
    if not account.active:
        name = account.username
        raise Conflict(
            message("The account {name} is suspended. Activate it first: portal user activate {name}", name=name)
        )
    text = _clean_label(label)
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(message("The key must expire in the future."), "expires_at")
    if count_usable_keys(session, account_id, now) >= MOST_KEYS:
        raise Conflict(message("You have {most} keys. Revoke some that you no longer need.", most=MOST_KEYS))
    secret = new_secret(API_KEY)
    row = add_key(session, account_id, digest(secret), key_prefix(secret), text, expires_at, now)
    new = {"label": text, "expires_at": expires_at}
    add_entry(session, actor, "key.create", now, account_id=account_id, target=_target(row), after=new)
    return NewKey(row.id, secret, row.prefix, text)


def rename_key(session: Session, actor: Actor, account_id: int, key_id: int, label: str, now: datetime) -> ApiKey:
    """Change the label of a key of an account. Raises Forbidden, NotSignedIn, NotFound and InvalidInput."""
    check_holder(session, actor, account_id)
    row = _key(session, account_id, key_id)
    old, row.label = {"label": row.label}, _clean_label(label)
    new = {"label": row.label}
    add_entry(session, actor, "key.rename", now, account_id=account_id, target=_target(row), before=old, after=new)
    return row


def revoke_key(session: Session, actor: Actor, account_id: int, key_id: int, now: datetime) -> ApiKey:
    """Revoke a key of an account; its past usage stays. May be repeated.

    Administrators and operators may also revoke keys of a suspended account, which otherwise work again once it is
    activated. Raises Forbidden, NotSignedIn and NotFound.
    """
    check_holder_or_administrator(session, actor, account_id)
    row = _key(session, account_id, key_id)
    if row.revoked_at is None:
        row.revoked_at = now
        old, new = {"revoked": False}, {"revoked": True}
        add_entry(session, actor, "key.revoke", now, account_id=account_id, target=_target(row), before=old, after=new)
    return row


def _target(row: ApiKey) -> str:
    return f"key:{row.prefix}"


def _clean_label(label: str) -> str:
    return clean_field("label", clean_line, label, message("The label"), MAX_LABEL)


def _key(session: Session, account_id: int, key_id: int) -> ApiKey:
    row = key(session, account_id, key_id)
    if row is None:
        raise NotFound(message("There is no such key."))
    return row
