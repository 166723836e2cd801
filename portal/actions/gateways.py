"""Gateways and their tokens: for administrators and operators."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.db import gateways
from portal.db.audit import add_entry
from portal.db.tables import Gateway
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.actors import Actor
from portal.rules.messages import Message, message
from portal.rules.reporters import OWN_REPORTS
from portal.rules.secrets import GATEWAY_TOKEN, digest, key_prefix, new_secret
from portal.rules.text import MAX_NAME, InvalidText, clean_line


@dataclass(frozen=True, slots=True)
class NewGateway:
    """A gateway with its first token, which is shown exactly once; None where its usage is imported."""

    id: int
    name: str
    token: str | None = field(repr=False)


def create_gateway(
    session: Session, actor: Actor, name: str, now: datetime, mode: str = "native", *, with_token: bool = True
) -> NewGateway:
    """Create a gateway. Raises Forbidden, InvalidInput, and Conflict for a taken name.

    `mode` is how it processes requests for which it reports no mode.
    """
    check_administrator(session, actor)
    row = _add_gateway(session, actor, name, now, mode)
    return NewGateway(row.id, row.name, _add_token(session, actor, row, now) if with_token else None)


def import_gateway(session: Session, actor: Actor, name: str, now: datetime, mode: str = "native") -> Gateway:
    """Return the gateway of this name, to which imported usage belongs; create it without a token if there is none.

    `mode` is that of a new gateway; an existing one keeps its own. Raises Forbidden and InvalidInput.
    """
    check_administrator(session, actor)
    return gateways.gateway_named(session, _gateway_name(name)) or _add_gateway(session, actor, name, now, mode)


def create_gateway_token(session: Session, actor: Actor, gateway_id: int, now: datetime) -> str:
    """Give a gateway one more token and return it, for the only time; the older ones stay valid until revoked.

    Raises Forbidden, NotFound, and InvalidInput where there can be none.
    """
    row = _gateway(session, actor, gateway_id)
    if row.name == OWN_REPORTS:
        raise InvalidInput(message("People report with their own API keys; there are no tokens for that."), "name")
    return _add_token(session, actor, row, now)


def revoke_gateway_tokens(
    session: Session, actor: Actor, gateway_id: int, now: datetime, *, prefix: str | None = None
) -> int:
    """Revoke all tokens of a gateway, or the one with a prefix, at once and for ever; return how many were valid.

    Raises Forbidden and NotFound.
    """
    row = _gateway(session, actor, gateway_id)
    revoked = gateways.revoke_tokens(session, row.id, now, prefix=prefix)
    add_entry(session, actor, "gateway.revoke", now, name=row.name, prefix=prefix, revoked=revoked)
    return revoked


def _add_gateway(session: Session, actor: Actor, name: str, now: datetime, mode: str) -> Gateway:
    text, usual = _gateway_name(name), _line("mode", mode, message("The mode"))
    try:
        row = gateways.add_gateway(session, text, usual, now)
    except IntegrityError as error:
        raise Conflict(message("There is a gateway called {name} already.", name=text)) from error
    add_entry(session, actor, "gateway.create", now, name=text, mode=usual)
    return row


def _add_token(session: Session, actor: Actor, row: Gateway, now: datetime) -> str:
    secret = new_secret(GATEWAY_TOKEN)
    gateways.add_token(session, row.id, digest(secret), key_prefix(secret), now)
    add_entry(session, actor, "gateway.token", now, name=row.name, prefix=key_prefix(secret))
    return secret


def _gateway(session: Session, actor: Actor, gateway_id: int) -> Gateway:
    check_administrator(session, actor)
    row = gateways.gateway(session, gateway_id)
    if row is None:
        raise NotFound(message("There is no such gateway."))
    return row


def _gateway_name(name: str) -> str:
    text = _line("name", name, message("The name"))
    if text == OWN_REPORTS:
        raise InvalidInput(message("{name} is the name for what people report themselves.", name=OWN_REPORTS), "name")
    return text


def _line(field: str, text: str, what: Message) -> str:
    try:
        return clean_line(text, what, MAX_NAME)
    except InvalidText as error:
        raise InvalidInput(error.sentence, field) from error
