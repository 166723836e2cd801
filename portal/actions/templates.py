"""Defining expert templates, and assigning them to accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, existing_account
from portal.actions.fields import clean_field
from portal.db import templates
from portal.db.audit import add_entry
from portal.db.templates import AssignedModel
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.messages import Message, message
from portal.rules.metering.imports import NotImportable
from portal.rules.people.actors import Actor
from portal.rules.sovereign_templates import read_sovereign_template
from portal.rules.spending.pricing import read_cost_factor
from portal.rules.text import MAX_NAME, InvalidText, clean_line

MOST_MODELS = 200
UNKNOWN = message("There is no such expert template.")


def define_template(
    session: Session,
    actor: Actor,
    name: str,
    cost_factor: Decimal | int | str,
    models: Sequence[AssignedModel],
    now: datetime,
) -> int:
    """Create or replace the expert template of this name; return its id. Raises Forbidden and InvalidInput."""
    check_administrator(session, actor)
    text = clean_field("name", clean_line, name, message("The name"), MAX_NAME)
    factor = clean_field("cost_factor", read_cost_factor, cost_factor)
    if len(models) > MOST_MODELS:
        raise InvalidInput(message("A template has at most {most} models.", most=MOST_MODELS), "models")
    clean = [
        AssignedModel(
            clean_field("category", clean_line, m.category, message("The category"), MAX_NAME),
            clean_field("model", clean_line, m.model, message("The model"), 200),
            clean_field("endpoint", clean_line, m.endpoint, message("The endpoint"), 200, empty=True),
            m.required,
        )
        for m in models
    ]
    found = templates.lock_template(session, text)
    before = None if found is None else _fields(found.cost_factor, templates.models_of(session, found.id))
    row = templates.save_template(session, text, factor, clean, now)
    after = _fields(factor, clean)
    add_entry(session, actor, "template.set", now, target=f"template:{text}", before=before, after=after)
    return row.id


def _fields(cost_factor: Decimal, models: Sequence[AssignedModel]) -> dict[str, object]:
    return {"cost_factor": f"{cost_factor:f}", "models": [asdict(model) for model in models]}


def define_sovereign_template(session: Session, actor: Actor, content: Mapping[str, Any], now: datetime) -> int:
    """Create or replace the template in a JSON object of MoE Sovereign; return its id.

    Raises Forbidden, and InvalidInput for an object without `name` and readable `experts`.
    """
    check_administrator(session, actor)
    try:
        read = read_sovereign_template(content.get("name"), content)
    except (InvalidText, NotImportable) as error:
        raise InvalidInput(message("This is no expert template of MoE Sovereign."), "experts") from error
    models = [AssignedModel(*model) for model in read.models]
    return define_template(session, actor, read.name, read.cost_factor, models, now)


def delete_template(session: Session, actor: Actor, template_id: int, now: datetime) -> None:
    """Delete a template that no account has. Stored usage keeps its name and cost factor.

    Raises Forbidden, NotFound, and Conflict while accounts have it.
    """
    check_administrator(session, actor)
    found = templates.template(session, template_id)
    if found is None:
        raise NotFound(UNKNOWN)
    name = found.name
    if templates.is_assigned(session, template_id):
        raise Conflict(_assigned(name))
    before = _fields(found.cost_factor, templates.models_of(session, template_id))
    try:
        templates.remove_template(session, template_id)
    except IntegrityError as error:  # it was assigned meanwhile
        raise Conflict(_assigned(name)) from error
    add_entry(session, actor, "template.delete", now, target=f"template:{name}", before=before)


def _assigned(name: str) -> Message:
    return message("Accounts have the template {name}. Assign another one to them first.", name=name)


def assign_template(session: Session, actor: Actor, account_id: int, template_id: int | None, now: datetime) -> None:
    """Assign a template to an account; None removes it.

    Raises Forbidden, NotFound, and Conflict for a deleted account.
    """
    check_administrator(session, actor)
    account = existing_account(session, account_id)
    template = None if template_id is None else templates.template(session, template_id)
    if template_id is not None and template is None:
        raise NotFound(UNKNOWN)
    old = None if account.template_id is None else templates.template(session, account.template_id)
    account.template_id = template_id
    try:
        session.flush()
    except IntegrityError as error:  # another transaction has just deleted it
        raise NotFound(UNKNOWN) from error
    before, after = ({"template": None if each is None else each.name} for each in (old, template))
    add_entry(session, actor, "template.assign", now, account_id=account.id, before=before, after=after)
