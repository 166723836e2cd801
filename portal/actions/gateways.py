"""Gateways and their tokens: what an operator does with commands, and an administrator on the pages.

Decision: commands act for whoever may run them, under the name that they are given; pages act for an account, whose
rights are looked at again in every transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.db.accounts import administrator
from portal.db.audit import add_entry
from portal.db.gateways import add_gateway, add_token, gateway, gateway_named, revoke_tokens
from portal.db.tables import Gateway
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.rules.reporters import OWN_REPORTS
from portal.rules.secrets import GATEWAY_TOKEN, digest, key_prefix, new_secret
from portal.rules.text import MAX_NAME, InvalidText, clean_line


@dataclass(frozen=True, slots=True)
class NewGateway:
    """A gateway with its first token, which is shown exactly once; None where its usage is imported."""

    id: int
    name: str
    token: str | None


def create_gateway(session: Session, actor: str, name: str, now: datetime, mode: str = "native") -> str:
    """Create a gateway and return its first token, which is shown once. Raises InvalidInput and Conflict.

    `mode` is how it processes requests of which it does not say so itself.
    """
    return new_token(session, actor, new_gateway(session, actor, name, now, mode), now)


def new_gateway(session: Session, actor: str, name: str, now: datetime, mode: str = "native") -> Gateway:
    """Create a gateway without a token, and return it. Raises InvalidInput and Conflict."""
    text, usual = _gateway_name(name), _line("mode", mode, "The mode")
    try:
        gateway = add_gateway(session, text, usual, now)
    except IntegrityError as error:
        raise Conflict(f"There is a gateway called {text} already.") from error
    add_entry(session, actor, "gateway.create", now, name=text, mode=usual)
    return gateway


def import_gateway(session: Session, actor: str, name: str, now: datetime, mode: str = "native") -> Gateway:
    """Return the gateway of this name, to which imported usage belongs; made without a token where there is none.

    `mode` is that of a gateway that is made; one that is there keeps its own. Raises InvalidInput.
    """
    return gateway_named(session, _gateway_name(name)) or new_gateway(session, actor, name, now, mode)


def new_token(session: Session, actor: str, gateway: Gateway, now: datetime) -> str:
    """Give a gateway one more token and return it; it is shown once."""
    secret = new_secret(GATEWAY_TOKEN)
    add_token(session, gateway.id, digest(secret), key_prefix(secret), now)
    add_entry(session, actor, "gateway.token", now, name=gateway.name, prefix=key_prefix(secret))
    return secret


def rotate_gateway_token(session: Session, actor: str, name: str, now: datetime) -> str:
    """Give a gateway one more token and return it; the older ones stay valid until revoked.

    Raises NotFound, and InvalidInput where there can be none.
    """
    found = _named(session, name)
    if found.name == OWN_REPORTS:
        raise InvalidInput("People report with their own API keys; there are no tokens for that.", "name")
    return new_token(session, actor, found, now)


def revoke_gateway_tokens(session: Session, actor: str, name: str, prefix: str | None, now: datetime) -> int:
    """Revoke a gateway's tokens, or the one with a prefix; return how many were. Raises NotFound."""
    gateway = _named(session, name)
    revoked = revoke_tokens(session, gateway.id, now, prefix=prefix)
    add_entry(session, actor, "gateway.revoke", now, name=gateway.name, prefix=prefix, revoked=revoked)
    return revoked


def connect_gateway(
    session: Session, admin_id: int, name: str, mode: str, now: datetime, *, with_token: bool = True
) -> NewGateway:
    """Create a gateway for an administrator. Raises Forbidden, InvalidInput, and Conflict for a taken name."""
    actor = _actor(session, admin_id)
    made = new_gateway(session, actor, name, now, mode)
    return NewGateway(made.id, made.name, new_token(session, actor, made, now) if with_token else None)


def new_gateway_token(session: Session, admin_id: int, gateway_id: int, now: datetime) -> str:
    """Return one more token of a gateway, which is shown once; the older ones stay valid.

    Raises Forbidden, NotFound, and InvalidInput where there can be none.
    """
    actor = _actor(session, admin_id)
    return rotate_gateway_token(session, actor, _gateway(session, gateway_id).name, now)


def end_gateway_token(session: Session, admin_id: int, gateway_id: int, prefix: str, now: datetime) -> None:
    """Revoke a token of a gateway at once and for ever; again is fine. Raises Forbidden and NotFound."""
    actor = _actor(session, admin_id)
    revoke_gateway_tokens(session, actor, _gateway(session, gateway_id).name, prefix, now)


def _actor(session: Session, admin_id: int) -> str:
    admin = administrator(session, admin_id)
    if admin is None:
        raise Forbidden
    return admin.username


def _gateway(session: Session, gateway_id: int) -> Gateway:
    row = gateway(session, gateway_id)
    if row is None:
        raise NotFound("There is no such gateway.")
    return row


def _named(session: Session, name: str) -> Gateway:
    found = gateway_named(session, name)
    if found is None:
        raise NotFound(f"There is no gateway called {name}.")
    return found


def _gateway_name(name: str) -> str:
    text = _line("name", name, "The name")
    if text == OWN_REPORTS:
        raise InvalidInput(f"{OWN_REPORTS} is the name for what people report themselves.", "name")
    return text


def _line(field: str, text: str, what: str) -> str:
    try:
        return clean_line(text, what, MAX_NAME)
    except InvalidText as error:
        raise InvalidInput(error.sentence, field) from error
