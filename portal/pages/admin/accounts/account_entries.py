"""The newest entries of the audit log about an account."""

from datetime import datetime
from urllib.parse import urlencode

from portal.pages.admin.audit import summary_of
from portal.pages.components import cells
from portal.pages.components.parts import Text, icon, tag
from portal.pages.components.table import Column, data_table
from portal.pages.navigation import AUDIT
from portal.rules.messages import message
from portal.views.people.account import AccountDetails, AccountPageView
from portal.words import _
from portal.words.formats import Formats

_COLUMNS = (
    Column("at", message("Time"), classes="e-at", attributes=cells.exact("exact")),
    Column("action", message("Action"), classes="e-action", cell=cells.code(cells.text("action"))),
    Column("change", message("Change"), classes="e-change", cell=cells.name("change", flows=True)),
    Column("actor", message("Actor"), classes="e-actor", cell=cells.name("actor", flows=True)),
)


class EntriesCard:
    """A table of the entries, and a link to all of them."""

    def __init__(self, account: AccountDetails, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._formats = formats
        with tag("section", "mp-card", aria_label=_("Recent changes"), data_testid="account-entries"):
            with tag("div", "mp-card__head mp-card__head--table"):
                Text("h2", _("Recent changes"))
                with tag("a", "mp-more", href=f"{AUDIT.path}?{urlencode({'target': account.username})}"):
                    Text("span", _("All entries"))
                    icon("arrow")
            self._table = data_table("entries", _COLUMNS, test_id="entries-table", label=_("Recent changes"))
            self._table.when_empty("list", _("No entries"), _("The audit log has no entry about this account."))

    def show(self, view: AccountPageView, now: datetime) -> None:
        """Show newer entries."""
        f = self._formats
        self._table.show_rows(
            [
                {
                    "id": entry.id,
                    "at": f.moment(entry.at, now),
                    "exact": f.exact(entry.at),
                    "action": entry.action,
                    "change": summary_of(entry),
                    "actor": entry.actor,
                }
                for entry in view.entries
            ]
        )
