"""What an operator sets: budgets and expert templates."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.actions.accounts import kept
from portal.actions.crossings import note_crossings
from portal.db.accounts import lock_account
from portal.db.audit import add_entry
from portal.db.budgets import limits as stored_limits
from portal.db.budgets import set_limits
from portal.db.templates import AssignedModel, save_template, template_named
from portal.errors import InvalidInput, NotFound
from portal.rules.actors import Actor
from portal.rules.budgets import MAX_LIMIT, Limits
from portal.rules.messages import Message, message
from portal.rules.pricing import MAX_COST_FACTOR, is_rate
from portal.rules.text import MAX_NAME, InvalidText, clean_line
from portal.settings import settings

MOST_MODELS = 200


def set_budget(session: Session, actor: Actor, username: str, limits: Limits, now: datetime) -> None:
    """Set an account's limits; a threshold that is crossed by that is told of at once.

    Raises NotFound, Conflict for a deleted account, and InvalidInput for limits out of bounds.
    """
    found = kept(session, username)
    lock_account(session, found.id)
    for name, limit in (("daily", limits.daily), ("monthly", limits.monthly), ("total", limits.total)):
        if limit is not None and not 0 <= limit <= MAX_LIMIT:
            raise InvalidInput(
                message("A limit is a whole number of tokens from 0 to {most}, or none.", most=MAX_LIMIT), name
            )
    before = stored_limits(session, found.id)
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
    note_crossings(session, {found.id}, settings().budget_zone, now, limits_before=before)


def define_template(
    session: Session, actor: Actor, name: str, cost_factor: Decimal, models: Sequence[AssignedModel], now: datetime
) -> None:
    """Create an expert template or replace the one of that name. Raises InvalidInput."""
    text = _line("name", name, message("The name"), MAX_NAME)
    if not is_rate(cost_factor, MAX_COST_FACTOR):
        raise InvalidInput(message("A cost factor lies between 0 and 1000, with at most 12 decimals."), "cost_factor")
    if len(models) > MOST_MODELS:
        raise InvalidInput(message("A template has at most {most} models.", most=MOST_MODELS), "models")
    clean = [
        AssignedModel(
            _line("category", m.category, message("The category"), MAX_NAME),
            _line("model", m.model, message("The model"), 200),
            _line("endpoint", m.endpoint, message("The endpoint"), 200, empty=True),
            m.required,
        )
        for m in models
    ]
    save_template(session, text, cost_factor, clean, now)
    add_entry(session, actor, "template.set", now, name=text, cost_factor=f"{cost_factor:f}", models=len(clean))


def assign_template(session: Session, actor: Actor, username: str, name: str | None, now: datetime) -> None:
    """Make a template the active one of an account, or none. Raises NotFound."""
    found = kept(session, username)
    template = template_named(session, name) if name is not None else None
    if name is not None and template is None:
        raise NotFound(message("There is no expert template called {name}.", name=name))
    found.template_id = template.id if template else None
    add_entry(session, actor, "template.assign", now, account_id=found.id, template=name)


def _line(field: str, text: str, what: Message, longest: int, *, empty: bool = False) -> str:
    try:
        return clean_line(text, what, longest, empty=empty)
    except InvalidText as error:
        raise InvalidInput(error.sentence, field) from error
