"""API Keys: the table of an account's keys, and the dialogs that create, rename and revoke them."""

from datetime import datetime
from typing import Any

from nicegui import events, ui

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.account.key_budget import KeyBudget
from portal.pages.account.key_dialogs import CreateKey, NewKeyDialog, RenameKey, RevokeKey
from portal.pages.components import cells
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import live
from portal.pages.components.parts import Text, button, icon_name, tag
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column, DataTable, data_table
from portal.pages.navigation import KEYS
from portal.pages.routing import PageRouter
from portal.rules.messages import message
from portal.rules.people.keys import KeyStatus, expires_soon, last_day
from portal.rules.periods import countdown
from portal.views.people.keys import KeysView, KeyView, load_keys
from portal.web.visitors import SignedIn
from portal.words import _, say
from portal.words.formats import Formats
from portal.words.labels import BUDGETS

router = PageRouter()

_STATUS = {
    KeyStatus.ACTIVE: (message("Active"), "check"),
    KeyStatus.EXPIRED: (message("Expired"), "clock"),
    KeyStatus.REVOKED: (message("Revoked"), "ban"),
}
_END = cells.span(cells.text("ends"), "mp-small mp-faint", given="ends", title="ends_exact", mark=("k-soon", "soon"))
_COLUMNS = (
    Column("prefix", message("Key prefix"), classes="k-prefix", cell=cells.code(cells.text("prefix") + "…")),
    Column("label", message("Label"), classes="k-label", cell=cells.name("label")),
    Column("created", message("Created"), classes="k-created", attributes=cells.exact("created_exact")),
    Column("last_used", message("Last used"), classes="k-last", attributes=cells.exact("last_used_exact")),
    Column("status", message("Status"), classes="k-status", cell=cells.span(cells.status() + _END, "k-st")),
    Column(
        "budget",
        message("Budget"),
        classes="k-budget",
        cell=cells.first_of(
            ("percent", cells.span(cells.budget_level() + cells.text("percent"), "k-bl", title="budget_title")),
            otherwise=cells.span(cells.not_on_phone(cells.text("no_budget")), "mp-faint"),
        ),
    ),
    Column(
        "actions",
        message("Actions"),
        classes="k-act num",
        hidden_label=True,
        cell=cells.action("limit") + cells.action("rename") + cells.action("revoke", danger=True),
    ),
)


@router.page(KEYS.path)
async def keys_page(viewer: SignedIn, create: str = "") -> None:
    """Show the signed-in account its own keys; `?create=1` opens the dialog for a new one."""
    formats = Formats.of(viewer)

    async def load() -> KeysView:
        return await in_reading(load_keys, viewer.id, utc_now())

    with frame(KEYS, viewer) as head:
        updated = head.updated(only_stale=True)
        with head.side:
            opener = button(_("Create key"), kind="primary", icon="plus")
        done = Notice()
        creating = CreateKey(viewer, formats, NewKeyDialog(viewer, formats, opener).open)
        opener.on_click(creating.open)
        limiting, renaming = KeyBudget(viewer, formats, viewer.id), RenameKey(viewer)
        table = KeysTable(formats, creating, limiting, renaming, RevokeKey(viewer, done, opener))
        if create == "1":
            creating.open()
            ui.navigate.history.replace(KEYS.path)
        await live(("keys", viewer.id), load, table.show, updated)


class KeysTable:
    """All keys of an account, active ones first."""

    test_id = "keys-table"

    def __init__(
        self,
        formats: Formats,
        creating: CreateKey,
        limiting: KeyBudget,
        renaming: RenameKey | None,
        revoking: RevokeKey,
    ) -> None:
        """Draw the card with an empty table; the buttons of its rows open the dialogs.

        Without `renaming` the labels stay as they are.
        """
        self._formats = formats
        self._creating = creating
        self._may_rename = renaming is not None
        self._keys: dict[object, KeyView] = {}
        with tag("section", "mp-card", aria_label=_("API keys")):
            self.draw_head()
            self._table = data_table("keys", _COLUMNS, test_id=self.test_id, label=_("API keys"))
            self.draw_empty(self._table)
        self._table.on("limit", lambda event: self._open(limiting, event))
        if renaming is not None:
            self._table.on("rename", lambda event: self._open(renaming, event))
        self._table.on("revoke", lambda event: self._open(revoking, event))

    def draw_head(self) -> None:
        """Draw the part above the table."""
        with tag("div", "mp-card__head"):
            about = _(
                "Your programs send a key with every request. "
                "Give each program its own, so that you can see what each of them uses."
            )
            Text("p", about).classes("mp-muted")

    def draw_empty(self, table: DataTable) -> None:
        """Draw the message of a table without keys."""
        about = _("Create a key and give it to a program. It appears here with its last use.")
        with table.when_empty("key", _("No keys yet"), about):
            button(_("Create key"), self._creating.open, kind="primary", icon="plus")

    def show(self, view: KeysView, now: datetime) -> None:
        """Show newer rows."""
        self._keys = {key.id: key for key in view.keys}
        self._table.show_rows([self._row(key, now) for key in view.keys])

    def _open(self, dialog: KeyBudget | RenameKey | RevokeKey, event: events.GenericEventArguments) -> None:
        key = self._keys.get(event.args) if isinstance(event.args, int) else None
        if key is not None:
            dialog.open(key)

    def _row(self, key: KeyView, now: datetime) -> dict[str, Any]:
        f, is_active = self._formats, key.status is KeyStatus.ACTIVE
        word, picture = _STATUS[key.status]
        return {
            "id": key.id,
            "prefix": key.prefix,
            "label": key.label,
            "created": f.date_of(key.created_at),
            "created_exact": f.exact(key.created_at),
            "last_used": f.moment(key.last_used_at, now) if key.last_used_at else _("Never"),
            "last_used_exact": f.exact(key.last_used_at),
            "status": say(word),
            "icon": icon_name(picture),
            "off": not is_active,
            "soon": is_active and expires_soon(key.expires_at, now),
            "ends": end_of_key(key, f, now),
            "ends_exact": f.exact(key.revoked_at or key.expires_at),
            **_budget(key, f),
            "limit": _("Set budget") if is_active else "",
            "limit_label": _("Set budget of {key}", key=key.label),
            "rename": _("Edit label") if is_active and self._may_rename else "",
            "rename_label": _("Edit label of {key}", key=key.label),
            "revoke": _("Revoke") if is_active else "",
            "revoke_label": _("Revoke {key}", key=key.label),
        }


def _budget(key: KeyView, f: Formats) -> dict[str, Any]:
    """Return the level of the fullest budget of a key; its tooltip has the period and the figures."""
    if key.budget is None or key.status is not KeyStatus.ACTIVE:
        return {"percent": "", "no_budget": _("No limit") if key.status is KeyStatus.ACTIVE else ""}
    period, budget = key.budget.fullest()
    used, limit = f.number(budget.consumed), f.number(budget.limit)
    return {
        "percent": f.percent(budget.percent),
        "budget_title": _("{budget}: {used} of {limit}", budget=say(BUDGETS[period]), used=used, limit=limit),
        **cells.level_values(budget),
    }


def end_of_key(key: KeyView, f: Formats, now: datetime) -> str:
    """Return when a key ended or will end; "" if it never expires."""
    if key.revoked_at is not None:
        return f.date_of(key.revoked_at)
    if key.expires_at is None:
        return ""
    if key.status is KeyStatus.EXPIRED:
        return f.day(last_day(key.expires_at, f.zone))
    if expires_soon(key.expires_at, now):
        return _("Expires in {time}", time=countdown(key.expires_at, now))
    return _("Until {day}", day=f.day(last_day(key.expires_at, f.zone)))
