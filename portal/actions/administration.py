"""What an operator sets: gateways, budgets and expert templates."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.crossings import note_crossings
from portal.db.accounts import account_named
from portal.db.audit import add_entry
from portal.db.budgets import set_limits
from portal.db.crossings import lock_account
from portal.db.gateways import add_gateway, add_token, gateway_named, revoke_tokens
from portal.db.tables import Account, Gateway
from portal.db.templates import AssignedModel, save_template, template_named
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.budgets import MAX_LIMIT, Limits
from portal.rules.pricing import MAX_COST_FACTOR, is_rate
from portal.rules.reporters import OWN_REPORTS
from portal.rules.secrets import GATEWAY_TOKEN, digest, key_prefix, new_secret
from portal.rules.text import MAX_NAME, InvalidText, clean_line
from portal.settings import settings

MOST_MODELS = 200


def create_gateway(session: Session, actor: str, name: str, now: datetime, mode: str = "native") -> str:
    """Create a gateway and return its first token, which is shown once. Raises InvalidInput and Conflict.

    `mode` is how it processes requests of which it does not say so itself.
    """
    return new_token(session, actor, new_gateway(session, actor, name, now, mode), now)


def new_gateway(session: Session, actor: str, name: str, now: datetime, mode: str = "native") -> Gateway:
    """Create a gateway without a token, and return it. Raises InvalidInput and Conflict."""
    text, usual = _gateway_name(name), _line("mode", mode, "The mode", MAX_NAME)
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
    gateway = _gateway(session, name)
    if gateway.name == OWN_REPORTS:
        raise InvalidInput("People report with their own API keys; there are no tokens for that.", "name")
    return new_token(session, actor, gateway, now)


def revoke_gateway_tokens(session: Session, actor: str, name: str, prefix: str | None, now: datetime) -> int:
    """Revoke a gateway's tokens, or the one with a prefix; return how many were. Raises NotFound."""
    gateway = _gateway(session, name)
    revoked = revoke_tokens(session, gateway.id, now, prefix=prefix)
    add_entry(session, actor, "gateway.revoke", now, name=gateway.name, prefix=prefix, revoked=revoked)
    return revoked


def set_budget(session: Session, actor: str, username: str, limits: Limits, now: datetime) -> None:
    """Set an account's limits; a threshold that is crossed by that is told of at once.

    Raises NotFound, and InvalidInput for limits out of bounds.
    """
    found = _account(session, username)
    lock_account(session, found.id)
    for name, limit in (("daily", limits.daily), ("monthly", limits.monthly), ("total", limits.total)):
        if limit is not None and not 0 <= limit <= MAX_LIMIT:
            raise InvalidInput(f"A limit is a whole number of tokens from 0 to {MAX_LIMIT:,}, or none.", name)
    set_limits(session, found.id, limits, now)
    add_entry(
        session,
        actor,
        "budget.set",
        now,
        account_id=found.id,
        daily=limits.daily,
        monthly=limits.monthly,
        total=limits.total,
        type=limits.type,
    )
    note_crossings(session, {found.id}, settings().budget_zone, now)


def define_template(
    session: Session, actor: str, name: str, cost_factor: Decimal, models: Sequence[AssignedModel], now: datetime
) -> None:
    """Create an expert template or replace the one of that name. Raises InvalidInput."""
    text = _line("name", name, "The name", MAX_NAME)
    if not is_rate(cost_factor, MAX_COST_FACTOR):
        raise InvalidInput("A cost factor lies between 0 and 1000, with at most 12 decimals.", "cost_factor")
    if len(models) > MOST_MODELS:
        raise InvalidInput(f"A template has at most {MOST_MODELS} models.", "models")
    clean = [
        AssignedModel(
            _line("category", m.category, "The category", MAX_NAME),
            _line("model", m.model, "The model", 200),
            _line("endpoint", m.endpoint, "The endpoint", 200, empty=True),
            m.required,
        )
        for m in models
    ]
    save_template(session, text, cost_factor, clean, now)
    add_entry(session, actor, "template.set", now, name=text, cost_factor=f"{cost_factor:f}", models=len(clean))


def assign_template(session: Session, actor: str, username: str, name: str | None, now: datetime) -> None:
    """Make a template the active one of an account, or none. Raises NotFound."""
    found = _account(session, username)
    template = template_named(session, name) if name is not None else None
    if name is not None and template is None:
        raise NotFound(f"There is no expert template called {name}.")
    found.template_id = template.id if template else None
    add_entry(session, actor, "template.assign", now, account_id=found.id, template=name)


def _gateway(session: Session, name: str) -> Gateway:
    found = gateway_named(session, name)
    if found is None:
        raise NotFound(f"There is no gateway called {name}.")
    return found


def _account(session: Session, username: str) -> Account:
    found = account_named(session, username)
    if found is None:
        raise NotFound(f"There is no account called {username}.")
    return found


def _gateway_name(name: str) -> str:
    text = _line("name", name, "The name", MAX_NAME)
    if text == OWN_REPORTS:
        raise InvalidInput(f"{OWN_REPORTS} is the name for what people report themselves.", "name")
    return text


def _line(field: str, text: str, what: str, longest: int, *, empty: bool = False) -> str:
    try:
        return clean_line(text, what, longest, empty=empty)
    except InvalidText as error:
        raise InvalidInput(str(error), field) from error
