"""Expert templates for administrators: the list, and one template with its models."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.template_list import TemplateRow as TemplateRow  # noqa: PLC0414  # for pages, which do not import db
from portal.db.template_list import template_list
from portal.db.templates import models_of, template
from portal.errors import NotFound
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.template_list import TEMPLATE_LIST
from portal.views.authority import check_reader
from portal.views.lists import ListView, load_list, load_list_rows
from portal.views.templates import TemplateModels


def load_template_list(
    session: Session, reader: Actor, wanted: ListFilter, _now: datetime, limit: int, cursor: str | None = None
) -> ListView[TemplateRow]:
    """Return one page of the list. Raises Forbidden, and InvalidInput for a malformed cursor."""
    check_reader(session, reader)
    return load_list(session, template_list(wanted), TEMPLATE_LIST, wanted, limit, cursor)


def load_template_rows(session: Session, reader: Actor, wanted: ListFilter) -> Iterator[TemplateRow]:
    """Return all filtered templates, in the order of the filter; needs an open session. Raises Forbidden."""
    check_reader(session, reader)
    return load_list_rows(session, template_list(wanted), TEMPLATE_LIST, wanted)


def load_template_models(session: Session, reader: Actor, template_id: int) -> TemplateModels:
    """Return one template with its models. Raises Forbidden and NotFound."""
    check_reader(session, reader)
    found = template(session, template_id)
    if found is None:
        raise NotFound(message("There is no such expert template."))
    return TemplateModels(found.id, found.name, found.cost_factor, tuple(models_of(session, template_id)))
