"""Views with the values of a row of the database."""

from dataclasses import fields
from typing import Any, TypeVar

View = TypeVar("View", bound=Any)


def view_of(kind: type[View], row: object, /, **others: object) -> View:
    """Return a view of the class `kind`: its fields are those of the row of the same name, except `others`."""
    named = {field.name: getattr(row, field.name) for field in fields(kind) if field.name not in others}
    view: View = kind(**named, **others)
    return view
