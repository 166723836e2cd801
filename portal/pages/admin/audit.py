"""Audit Log: who has changed what, when and from where, with the values before and after."""

from datetime import datetime
from typing import Any

from nicegui import events
from starlette.requests import Request

from portal.db.sql.session import in_reading
from portal.pages.components import cells
from portal.pages.components.filters import FilterBar
from portal.pages.components.inputs.dialogs import Dialog
from portal.pages.components.listing import Place
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column, data_table
from portal.pages.components.table_list import TableList, sorted_column, table_listing
from portal.pages.navigation import AUDIT
from portal.pages.routing import PageRouter
from portal.rules.audit_list import AUDIT_LIST
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.views.audit_list import AuditRow, load_audit_actions, load_audit_list
from portal.views.people.accounts import Viewer
from portal.web.visitors import Administrator
from portal.words import _, plural
from portal.words.audit import value_text
from portal.words.formats import NOTHING, Formats

router = PageRouter()

LISTING = table_listing(AUDIT.path, AUDIT_LIST, load_audit_list, "/admin/api/audit/export")

_COLUMNS = (
    sorted_column("at", message("Time"), classes="au-at", attributes=cells.exact("at_exact")),
    Column("actor", message("Actor"), classes="au-actor", cell=cells.name("actor", flows=True)),
    Column("action", message("Action"), classes="au-action", cell=cells.code(cells.text("action"))),
    Column("target", message("Target"), classes="au-target", cell=cells.name("target", flows=True)),
    Column("change", message("Change"), classes="au-change", cell=cells.name("change", flows=True)),
    Column("address", message("Address"), classes="au-address"),
    Column("look", message("Actions"), classes="au-look num", hidden_label=True, cell=cells.action("look")),
)
_FIELDS = (
    Column("field", message("Field"), cell=cells.code(cells.text("field"))),
    Column("before", message("Before"), classes="au-value", cell=cells.name("before", flows=True)),
    Column("after", message("After"), classes="au-value", cell=cells.name("after", flows=True)),
)
_FACTS = (
    Column("field", message("Field"), cell=cells.code(cells.text("field"))),
    Column("value", message("Value"), classes="au-value", cell=cells.name("value", flows=True)),
)


@router.page(AUDIT.path)
async def audit_page(request: Request, viewer: Administrator) -> None:
    """Show an administrator the audit log."""
    place, complaint = LISTING.read(request.query_params)
    actions = await in_reading(load_audit_actions, viewer.actor)
    with frame(AUDIT, viewer) as head:
        await AuditList(viewer, place, actions).open(head, complaint)


class AuditList(TableList[AuditRow]):
    """The filters, the table of the entries, and the dialog with all values of one."""

    name = "audit"
    test_id = "audit-table"
    label = message("Audit Log")
    rules = AUDIT_LIST
    columns = _COLUMNS
    none_yet = (message("No entries yet"), message("Each change by an administrator or a person appears here."))

    def __init__(self, viewer: Viewer, place: Place[ListFilter], actions: list[str]) -> None:
        """Start at `place`; `actions` are those to choose from."""
        super().__init__(LISTING, viewer, place)
        self._actions = actions
        self._rows: dict[int, AuditRow] = {}

    def draw(self) -> None:
        """Draw the list and the dialog."""
        super().draw()
        self._dialog = EntryDialog(self.formats)
        self.table.on("look", self._look)

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the fields for actor, action, target and days."""
        bar.search("actor", _("Actor"), _("User name"))
        names = {action: action for action in self._actions}
        bar.choice("action", _("Action"), {"": _("All")} | names, names=True)
        bar.search("target", _("Target"), _("User name, or gateway:name"))
        bar.day("from", _("From"), "2000-01-01", "2999-12-31")
        bar.day("to", _("To"), "2000-01-01", "2999-12-31")

    def counted(self, total: int) -> str:
        """Return the number of entries in words."""
        return plural("{count} entry", "{count} entries", total)

    def cells(self, row: AuditRow, now: datetime) -> dict[str, Any]:
        """Return the values of an entry."""
        self._rows[row.id] = row
        return {
            "id": row.id,
            "at": self.formats.moment(row.at, now),
            "at_exact": self.formats.exact(row.at),
            "actor": row.actor,
            "action": row.action,
            "target": target_of(row),
            "change": summary_of(row),
            "address": row.address or NOTHING,
            "look": _("Details"),
            "look_label": _("Details of {action}", action=row.action),
        }

    def _look(self, event: events.GenericEventArguments) -> None:
        row = self._rows.get(event.args) if isinstance(event.args, int) else None
        if row is not None:
            self._dialog.show(row)


class EntryDialog:
    """All that an entry says: the values before and after, and other facts."""

    def __init__(self, formats: Formats) -> None:
        """Draw it closed."""
        self._formats = formats
        self._dialog = Dialog(_("Entry of the audit log"))
        self._dialog.window.classes("mp-wide")
        with self._dialog.body:
            self._fields = data_table("entry", _FIELDS, test_id="entry-fields", label=_("Values before and after"))
            self._facts = data_table("entry", _FACTS, test_id="entry-facts", label=_("Facts"))
        with self._dialog.foot:
            self._dialog.cancel(_("Close"))

    def show(self, row: AuditRow) -> None:
        """Open it with an entry."""
        self._dialog.context.show(self._formats.exact(row.at))
        before, after = row.before or {}, row.after or {}
        fields = [
            {"id": name, "field": name, "before": value_text(before.get(name)), "after": value_text(after.get(name))}
            for name in sorted(before.keys() | after.keys())
        ]
        own = {"actor": row.actor, "means": row.means, "action": row.action, "target": target_of(row)}
        known: dict[str, Any] = {**own, "address": row.address, **row.details}
        facts = [{"id": name, "field": name, "value": value_text(value)} for name, value in known.items() if value]
        self._fields.show_rows(fields)
        self._fields.set_visibility(bool(fields))
        self._facts.show_rows(facts)
        self._dialog.open()


def target_of(row: AuditRow) -> str:
    """Return the target for people: an account by its name, with the key or event of it."""
    own = row.target or ""
    if row.username is None:
        return own or NOTHING
    return row.username if not own or own.startswith("account:") else f"{row.username}, {own}"


def summary_of(row: AuditRow) -> str:
    """Return what has changed in one line."""
    before, after = row.before or {}, row.after or {}
    names = sorted(before.keys() | after.keys())
    if row.before is None or row.after is None:
        return ", ".join(f"{name} {value_text(after.get(name, before.get(name)))}" for name in names) or NOTHING
    changes = (f"{name} {value_text(before.get(name))} → {value_text(after.get(name))}" for name in names)
    return ", ".join(changes) or NOTHING
