"""Views take the fields of their row."""

from dataclasses import dataclass
from types import SimpleNamespace

from portal.views.rows import view_of


@dataclass(frozen=True)
class _View:
    id: int
    kind: str
    unread: int = 0


def test_view_has_the_fields_of_its_row() -> None:
    row = SimpleNamespace(id=7, kind="alert", unread=3, secret="not in the view")
    assert view_of(_View, row) == _View(7, "alert", 3)


def test_other_values_replace_those_of_the_row() -> None:
    assert view_of(_View, SimpleNamespace(id=7), kind="mail", unread=1) == _View(7, "mail", 1)
