"""Expert Templates: which models answer which category of question, and who has them."""

from datetime import datetime
from typing import Any

from nicegui import events
from starlette.requests import Request

from portal.pages.admin.templates.editing import DeleteTemplate, EditTemplate, ImportTemplate
from portal.pages.components import cells
from portal.pages.components.filters import FilterBar
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.parts import button
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column
from portal.pages.components.table_list import TableList, sorted_column, table_listing
from portal.pages.navigation import TEMPLATES
from portal.pages.routing import PageRouter
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.template_list import TEMPLATE_LIST
from portal.views.template_list import TemplateRow, load_template_list
from portal.web.visitors import Administrator
from portal.words import _, plural

router = PageRouter()

LISTING = table_listing(TEMPLATES.path, TEMPLATE_LIST, load_template_list, "/admin/api/templates/export")
_ACTIONS = (
    cells.action("edit") + cells.action("copy") + cells.link(cells.text("json")) + cells.action("delete", danger=True)
)


def _counted(field: str) -> str:
    """Draw a count, in words where the table has no headings."""
    return cells.not_on_phone(cells.text(field)) + cells.on_phone(cells.text(f"{field}_in_words"))


_COLUMNS = (
    sorted_column("name", message("Name"), classes="x-name", cell=cells.name("name", flows=True)),
    Column("cost_factor", message("Cost factor"), classes="num x-factor"),
    sorted_column("models", message("Models"), classes="num x-models", cell=_counted("models")),
    sorted_column("accounts", message("Accounts"), classes="num x-accounts", cell=_counted("accounts")),
    Column("act", message("Actions"), classes="num x-act", hidden_label=True, cell=_ACTIONS),
)


@router.page(TEMPLATES.path)
async def templates_page(request: Request, viewer: Administrator) -> None:
    """Show an administrator all expert templates."""
    place, complaint = LISTING.read(request.query_params)
    with frame(TEMPLATES, viewer) as head:
        await TemplateList(LISTING, viewer, place).open(head, complaint)


class TemplateList(TableList[TemplateRow]):
    """The search, the table of the templates, and the dialogs that change them."""

    name = "templates"
    test_id = "templates-table"
    label = message("Expert Templates")
    rules = TEMPLATE_LIST
    columns = _COLUMNS
    none_yet = (
        message("No templates yet"),
        message("A template says which models answer which category of question. Assign it on the page of accounts."),
    )

    def draw_side(self) -> None:
        """Draw the buttons for a new template and for an import."""
        button(_("Import"), self._import)
        button(_("New template"), self._create, icon="plus", kind="primary").classes("a-adds")

    def draw(self) -> None:
        """Draw the list and the dialogs."""
        done = Notice()
        super().draw()
        self._editing = EditTemplate(self.viewer, done, self.refresh)
        self._importing = ImportTemplate(self.viewer, done, self.refresh)
        self._deleting = DeleteTemplate(self.viewer, done, self.refresh)
        self.table.on("edit", self._edit)
        self.table.on("copy", self._copy)
        self.table.on("delete", self._delete)

    def _import(self) -> None:
        self._importing.open()

    async def _create(self) -> None:
        await self._editing.open()

    async def _edit(self, event: events.GenericEventArguments) -> None:
        if isinstance(event.args, int):
            await self._editing.open(event.args)

    async def _copy(self, event: events.GenericEventArguments) -> None:
        if isinstance(event.args, int):
            await self._editing.open(event.args, copies=True)

    async def _delete(self, event: events.GenericEventArguments) -> None:
        if isinstance(event.args, int):
            await self._deleting.open(event.args)

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw nothing: the search is the only filter."""

    def counted(self, total: int) -> str:
        """Return the number of templates in words."""
        return plural("{count} template", "{count} templates", total)

    def cells(self, row: TemplateRow, now: datetime) -> dict[str, Any]:  # noqa: ARG002  # it has no instants
        """Return the values of a template."""
        return {
            "id": row.id,
            "name": row.name,
            "cost_factor": f"× {self.formats.factor(row.cost_factor)}",
            "models": self.formats.number(row.models),
            "models_in_words": plural("{count} model", "{count} models", row.models),
            "accounts": self.formats.number(row.accounts),
            "accounts_in_words": plural("{count} account", "{count} accounts", row.accounts),
            "edit": _("Edit"),
            "edit_label": _("Edit {name}", name=row.name),
            "copy": _("Duplicate"),
            "copy_label": _("Duplicate {name}", name=row.name),
            "json": _("JSON"),
            "href": f"/admin/api/templates/{row.id}/sovereign",
            "delete": _("Delete"),
            "delete_label": _("Delete {name}", name=row.name),
        }
