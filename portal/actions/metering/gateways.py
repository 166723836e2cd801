"""Changes to gateways and their tokens, for administrators, operators and the person of the desktop program."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, own_account
from portal.actions.fields import clean_field
from portal.db.audit import add_entry
from portal.db.metering import gateways
from portal.db.tables import Gateway
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.messages import message
from portal.rules.metering.programs import Program
from portal.rules.metering.reporters import OWN_REPORTS, free_name
from portal.rules.people.actors import Actor
from portal.rules.people.secrets import GATEWAY_TOKEN, digest, key_prefix, new_secret
from portal.rules.text import MAX_NAME, clean_line
from portal.settings import settings


@dataclass(frozen=True, slots=True)
class NewGateway:
    """A new gateway with its first token, which is shown only once; None for a gateway of imported usage."""

    id: int
    name: str
    token: str | None = field(repr=False)


def create_gateway(
    session: Session, actor: Actor, name: str, now: datetime, mode: str = "native", *, with_token: bool = True
) -> NewGateway:
    """Create a gateway. Raises Forbidden, InvalidInput, and Conflict if the name is in use.

    `mode` is the mode of requests that are reported without one.
    """
    check_administrator(session, actor)
    row = _add_gateway(session, actor, name, now, mode)
    return NewGateway(row.id, row.name, _add_token(session, actor, row, now) if with_token else None)


def import_gateway(session: Session, actor: Actor, name: str, now: datetime, mode: str = "native") -> Gateway:
    """Return the gateway of this name, for imported usage; create it without a token if it does not exist.

    `mode` applies to a new gateway only. Raises Forbidden and InvalidInput.
    """
    check_administrator(session, actor)
    return gateways.gateway_named(session, _gateway_name(name)) or _add_gateway(session, actor, name, now, mode)


def create_gateway_token(session: Session, actor: Actor, gateway_id: int, now: datetime) -> str:
    """Create another token of a gateway and return it. The older tokens stay valid until they are revoked.

    Raises Forbidden, NotFound, and InvalidInput for the gateway of people's own reports, which has no tokens.
    """
    row = _gateway(session, actor, gateway_id)
    if row.name == OWN_REPORTS:
        raise InvalidInput(message("People report with their own API keys; there are no tokens for that."), "name")
    return _add_token(session, actor, row, now)


def revoke_gateway_tokens(
    session: Session, actor: Actor, gateway_id: int, now: datetime, *, prefix: str | None = None
) -> int:
    """Revoke all tokens of a gateway, or the token with this prefix; return how many were valid.

    Raises Forbidden and NotFound.
    """
    row = _gateway(session, actor, gateway_id)
    revoked = gateways.revoke_tokens(session, row.id, now, prefix=prefix)
    add_entry(session, actor, "gateway.revoke", now, target=f"gateway:{row.name}", prefix=prefix, revoked=revoked)
    return revoked


def connect_program(session: Session, actor: Actor, program: Program, now: datetime) -> NewGateway:
    """Create the gateway of a program on a desktop with a token; if it exists, replace its tokens by a new one.

    All usage that it reports counts for the actor's account. Raises NotFound on a server, where no gateway has an
    owner, and NotSignedIn.
    """
    if not settings().is_desktop:
        raise NotFound
    owner = own_account(session, actor)
    row = next((each for each in gateways.gateways_of(session, owner.id) if each.mode == program), None)
    if row is None:
        name = free_name(program, [each.name for each in gateways.all_gateways(session)])
        row = _add_gateway(session, actor, name, now, program, owner.id)
    elif revoked := gateways.revoke_tokens(session, row.id, now):
        add_entry(session, actor, "gateway.revoke", now, target=f"gateway:{row.name}", prefix=None, revoked=revoked)
    return NewGateway(row.id, row.name, _add_token(session, actor, row, now))


def _add_gateway(
    session: Session, actor: Actor, name: str, now: datetime, mode: str, owner_id: int | None = None
) -> Gateway:
    text, usual = _gateway_name(name), clean_field("mode", clean_line, mode, message("The mode"), MAX_NAME)
    try:
        row = gateways.add_gateway(session, text, usual, now, owner_id)
    except IntegrityError as error:
        raise Conflict(message("There is a gateway called {name} already.", name=text)) from error
    add_entry(session, actor, "gateway.create", now, target=f"gateway:{text}", after={"name": text, "mode": usual})
    return row


def _add_token(session: Session, actor: Actor, row: Gateway, now: datetime) -> str:
    secret = new_secret(GATEWAY_TOKEN)
    gateways.add_token(session, row.id, digest(secret), key_prefix(secret), now)
    add_entry(session, actor, "gateway.token", now, target=f"gateway:{row.name}", prefix=key_prefix(secret))
    return secret


def _gateway(session: Session, actor: Actor, gateway_id: int) -> Gateway:
    check_administrator(session, actor)
    row = gateways.gateway(session, gateway_id)
    if row is None:
        raise NotFound(message("There is no such gateway."))
    return row


def _gateway_name(name: str) -> str:
    text = clean_field("name", clean_line, name, message("The name"), MAX_NAME)
    if text == OWN_REPORTS:
        raise InvalidInput(message("{name} is the name for what people report themselves.", name=OWN_REPORTS), "name")
    return text
