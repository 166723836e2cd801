"""The dialog that imports accounts from a CSV file: it shows what each row would do, before anything is changed.

Decision: nothing is stored until the import, which is one transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.element import Element

from portal.actions.people.account_import import (
    ImportPlan,
    ImportResult,
    import_accounts,
    mail_links,
    plan_import,
    read_import,
)
from portal.actions.people.password_resets import LinkDelivery
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import Conflict, NotSignedIn, PortalError
from portal.exports.tables import as_csv
from portal.pages.admin.accounts.account_new import link_choices
from portal.pages.admin.connect import public_address
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Dialog
from portal.pages.components.inputs.fields import Notice, choice_field, switch_row
from portal.pages.components.inputs.file_picker import FilePicker
from portal.pages.components.parts import Text, button, icon_name, known_facts, set_props, tag
from portal.pages.components.table import Column, data_table
from portal.rules.messages import message
from portal.rules.people.account_import import LARGEST_FILE, Field, ImportFile, ImportRow
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import Limits
from portal.views.people.accounts import Viewer
from portal.words import _, plural, say
from portal.words.formats import NOTHING, Formats
from portal.words.labels import ROLES

_ROWS = 50
"""Rows of the preview that are shown at once."""
_SEPARATORS = {",": message("comma"), ";": message("semicolon"), "\t": message("tab")}
_COLUMNS = (
    Column("line", message("Line"), classes="num i-line"),
    Column("result", message("Result"), classes="i-result"),
    Column("username", message("Username"), classes="i-user", cell=cells.name("username")),
    Column("email", message("Email"), classes="i-email", cell=cells.name("email", flows=True)),
    Column("role", message("Role"), classes="i-role"),
    Column("team", message("Team"), classes="i-team", cell=cells.name("team", flows=True)),
    Column("budget", message("Budget"), classes="i-budget"),
)


class ImportAccounts:
    """Takes a file, shows the preview, and imports the rows."""

    def __init__(
        self, viewer: Viewer, formats: Formats, done: Notice, after: Callable[[], Awaitable[None]], home: Element
    ) -> None:
        """Draw the dialogs closed; `after` is called when accounts were created."""
        self._viewer, self._formats, self._done, self._after = viewer, formats, done, after
        self._file: ImportFile | None = None
        self._plan: ImportPlan | None = None
        self._links = NewLinks(home)
        self._dialog = Dialog(_("Import accounts"), must_answer=True, home=home)
        self._dialog.window.classes("mp-wide")
        with self._dialog.body:
            self._draw_help()
            self._message = Notice()
            self._preview = Preview(formats)
            with tag("div") as self._choice:
                self._skips = switch_row(_("Leave wrong rows out"), _("Only the right rows become accounts."), on=False)
            self._delivery = choice_field(_("Link to set a password"), link_choices(), LinkDelivery.SHOW)
        with self._dialog.foot:
            self._dialog.cancel()
            self._picks = button(_("Choose a file"), kind="primary").props("autofocus")
            self._imports = button(_("Import"), self._import, kind="primary")
        with self._dialog.body:
            FilePicker(_("CSV file"), ".csv,.txt,text/csv", LARGEST_FILE, self._take, self._picks)
        self._skips.on_value_change(self._show_button)

    def open(self) -> None:
        """Open it without a file."""
        self._message.clear()
        self._forget()
        self._dialog.open()

    def _draw_help(self) -> None:
        about = _(
            "A table as CSV with a row for each account. The first line has the names of the columns; username and "
            "email are needed. You see what each row would do before anything is changed."
        )
        with tag("div", "mp-import__help") as self._help:
            Text("p", about).classes("mp-muted")
            example = Text("pre", f"{','.join(Field)}\nmarie,Marie Curie,marie@example.org,user,Physics,,,1000000,,")
        set_props(example.classes("mp-code"), tabindex="0", role="region", aria_label=_("Example"))

    def _forget(self) -> None:
        """Forget the file."""
        self._file = self._plan = None
        self._skips.set_value(False)
        self._dialog.context.show("")
        self._show_plan()

    def _show_plan(self) -> None:
        plan = self._plan
        self._help.set_visibility(plan is None)
        self._preview.show(plan)
        self._choice.set_visibility(bool(plan and plan.wrong and plan.right))
        self._delivery.element.set_visibility(bool(plan and plan.right))
        self._picks.set_text(_("Choose another file") if plan else _("Choose a file"))
        self._picks.classes(add="" if plan else "mp-btn--primary", remove="mp-btn--primary" if plan else "")
        self._imports.set_visibility(bool(plan and plan.right))
        self._show_button()

    def _show_button(self) -> None:
        plan = self._plan
        count = len(plan.right) if plan else 0
        self._imports.set_text(plural("Import {count} account", "Import {count} accounts", count))
        self._imports.set_enabled(bool(plan and (not plan.wrong or self._skips.value)))

    async def _take(self, name: str, content: bytes | None) -> None:
        self._message.clear()
        self._forget()
        self._dialog.context.show(name)
        if content is None:
            text = _("The file is larger than {most} bytes.", most=self._formats.number(LARGEST_FILE))
            self._message.say(text, "crit")
        else:
            await self._read(content)

    async def _read(self, content: bytes) -> None:
        set_props(self._picks, loading=True)
        try:
            self._file = await asyncio.to_thread(read_import, content)
            self._plan = await in_reading(plan_import, self._viewer.actor, self._file)
        except NotSignedIn:
            raise
        except PortalError as error:
            self._message.say(say(error.sentence), "crit")
        finally:
            set_props(self._picks, loading=False)
        self._show_plan()

    async def _import(self) -> None:
        file, plan = self._file, self._plan
        if file is None or plan is None:
            return
        self._file = None  # a second click does nothing while the first one works
        delivery, actor, now = LinkDelivery(self._delivery.text), self._viewer.actor, utc_now()
        set_props(self._imports, loading=True)
        self._message.clear()
        try:
            result = await in_transaction(
                import_accounts, actor, file, now, skip_wrong=bool(self._skips.value), links=delivery
            )
            if delivery is LinkDelivery.MAIL:
                await asyncio.to_thread(mail_links, actor, [each.id for each in result.accounts], now)
        except NotSignedIn:
            raise
        except PortalError as error:
            self._file = file
            if isinstance(error, Conflict):  # somebody has changed accounts since the preview
                self._plan = await in_reading(plan_import, actor, file)
                self._show_plan()
            self._message.say(say(error.sentence), "crit")
        else:
            await self._finish(result, delivery)
        finally:
            set_props(self._imports, loading=False)

    async def _finish(self, result: ImportResult, delivery: LinkDelivery) -> None:
        count = len(result.accounts)
        text = plural("{count} account was created.", "{count} accounts were created.", count)
        if result.skipped:
            left = plural("{count} row was left out.", "{count} rows were left out.", result.skipped)
            text = f"{text} {left}"
        self._dialog.close()
        self._done.say(text)
        if delivery is LinkDelivery.SHOW:
            self._links.open(result, self._formats)
        await self._after()


class Preview:
    """The rows of a file, wrong ones first, some at a time, with what each would do."""

    def __init__(self, formats: Formats) -> None:
        """Draw it hidden."""
        self._formats = formats
        self._rows: list[ImportRow] = []
        self._first = 0
        with tag("div", "mp-import", data_testid="import-preview") as self._element:
            self._facts = known_facts(_("Right rows"), _("Wrong rows"), _("Encoding"), _("Separator"))
            with tag("div", "mp-import__rows"):
                label = _("Rows of the file")
                self._table = data_table("import", _COLUMNS, test_id="import-table", label=label)
            set_props(self._table, tabindex="0")
            with tag("div", "mp-import__pages"):
                self._range = Text("span", "").props("role=status")
                self._back = button(_("Back"), lambda: self._turn(-_ROWS), icon="left")
                self._on = button(_("Next"), lambda: self._turn(_ROWS)).props(f'icon-right="{icon_name("right")}"')

    def show(self, plan: ImportPlan | None) -> None:
        """Show the rows of a plan; without one, nothing."""
        self._element.set_visibility(plan is not None)
        self._rows = sorted(plan.rows, key=lambda row: row.problem is None) if plan else []
        self._first = 0
        if plan is not None:
            number = self._formats.number
            separator = say(_SEPARATORS[plan.separator])
            values = (number(len(plan.right)), number(plan.wrong), plan.encoding, separator)
            for fact, value in zip(self._facts, values, strict=True):
                fact.show(value)
        self._turn(0)

    def _turn(self, by: int) -> None:
        self._first = max(self._first + by, 0)
        shown = self._rows[self._first : self._first + _ROWS]
        last = self._first + len(shown)
        self._table.show_rows([self._values(row) for row in shown])
        f = self._formats
        places = {"first": f.number(self._first + 1), "last": f.number(last)}
        of_all = plural("{count} row", "{count} rows", len(self._rows))
        self._range.show(_("{first} – {last} of {all}", **places, all=of_all))
        for step in (self._back, self._on):
            step.set_visibility(len(self._rows) > _ROWS)
        self._back.set_enabled(self._first > 0)
        self._on.set_enabled(last < len(self._rows))

    def _values(self, row: ImportRow) -> dict[str, object]:
        roles = {role.value: say(words) for role, words in ROLES.items()}
        return {
            "id": row.line,
            "line": self._formats.number(row.line),
            "result": say(row.problem) if row.problem else _("New account"),
            "username": row.username or NOTHING,
            "email": row.email or NOTHING,
            "role": roles.get(row.role or Role.USER.value, row.role),
            "team": row.team or NOTHING,
            "budget": self._budget(row.limits),
            "off": row.problem is None,
        }

    def _budget(self, limits: Limits | None) -> str:
        if limits is None:
            return _("Default")
        given = (limits.daily, limits.monthly, limits.total)
        return " / ".join(NOTHING if each is None else self._formats.number(each) for each in given)


class NewLinks:
    """Offers the password links of new accounts as a file, the only time they can be had."""

    def __init__(self, home: Element) -> None:
        """Draw the dialog closed."""
        self._result: ImportResult | None = None
        self._dialog = Dialog(_("Password links"), must_answer=True, home=home)
        with self._dialog.body:
            self._about = Text("p", "").classes("mp-muted")
        with self._dialog.foot:
            button(_("Done"), self._close)
            button(_("Download links"), self._download, kind="primary", icon="export").props("autofocus")

    def open(self, result: ImportResult, formats: Formats) -> None:
        """Offer the links of these accounts."""
        self._result = result
        self._dialog.context.show(plural("{count} account", "{count} accounts", len(result.accounts)))
        text = _(
            "Download the links now, they cannot be shown again. Each sets the password of one account, once, until "
            "{time}. Pass each only to its person.",
            time=formats.exact(result.links_end_at),
        )
        self._about.show(text)
        self._dialog.open()

    def _download(self) -> None:
        if self._result is not None:
            base = public_address()
            rows = ((each.username, each.email, f"{base}{each.link}") for each in self._result.accounts)
            content = b"".join(as_csv(("username", "email", "password_link"), rows))
            ui.download.content(content, "password-links.csv", "text/csv")

    def _close(self) -> None:
        self._result = None
        self._dialog.window.client.outbox.message_history.clear()  # NiceGUI keeps what it sent
        self._dialog.close()
