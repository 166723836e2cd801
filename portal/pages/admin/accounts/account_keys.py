"""The API keys of an account, which an administrator creates and revokes for its person."""

from datetime import datetime

from portal.pages.account.key_budget import KeyBudget
from portal.pages.account.key_dialogs import CreateKey, NewKeyDialog, RevokeKey
from portal.pages.account.keys import KeysTable
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.parts import Text, button, tag
from portal.pages.components.table import DataTable
from portal.views.people.account import AccountDetails, AccountPageView
from portal.views.people.accounts import Viewer
from portal.words import _
from portal.words.formats import Formats


class AccountKeys(KeysTable):
    """All keys of an account, with a button that creates one."""

    test_id = "account-keys"

    def __init__(self, viewer: Viewer, account: AccountDetails, formats: Formats, done: Notice) -> None:
        """Draw the card with an empty table, and the dialogs."""
        self._opener = button(_("Create key"), icon="plus")
        made = NewKeyDialog(viewer, formats, self._opener, account)
        creating = CreateKey(viewer, formats, made.open, account)
        limiting = KeyBudget(viewer, formats, account.id)
        super().__init__(formats, creating, limiting, None, RevokeKey(viewer, done, self._opener, account))
        self._opener.on_click(creating.open)

    def draw_head(self) -> None:
        """Draw the heading, and move the button there."""
        with tag("div", "mp-card__head mp-card__head--table") as head:
            with tag("div"):
                Text("h2", _("API keys"))
                about = _("Hand a new key to its person; it is shown only once. A revoked key cannot be used again.")
                Text("p", about).classes("mp-card__sub")
        self._opener.move(head)

    def draw_empty(self, table: DataTable) -> None:
        """Draw the message of an account without keys."""
        table.when_empty("key", _("No keys"), _("Create one, and hand it to its person for a program."))

    def show_account(self, view: AccountPageView, now: datetime) -> None:
        """Show newer keys; a suspended account gets none."""
        self._opener.set_visibility(view.account.is_active)
        self.show(view.keys, now)
