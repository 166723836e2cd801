"""What an administrator does with a whole account: export it, suspend or activate it, delete it."""

from datetime import datetime

from nicegui import ui
from nicegui.element import Element

from portal.actions.people.accounts import set_active
from portal.actions.people.deletion import delete_account
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.errors import InvalidInput
from portal.pages.addresses import account_url
from portal.pages.components.inputs.dialogs import Confirmation, FormDialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, icon, set_props, tag
from portal.pages.open_pages import recheck
from portal.rules.messages import message
from portal.views.people.account import AccountDetails, AccountPageView
from portal.views.people.accounts import Viewer
from portal.words import _


class EndingCard:
    """One row for each of them: what it does, and its button."""

    def __init__(self, viewer: Viewer, account: AccountDetails, done: Notice) -> None:
        """Draw the card."""
        self._viewer, self._account, self._done = viewer, account, done
        with tag("section", "mp-card", aria_label=_("Whole account"), data_testid="account-ending"):
            with tag("div", "mp-card__head"):
                Text("h2", _("Whole account"))
            with tag("div", "mp-card__body mp-rows"):
                with _row(
                    _("Export"), _("Everything that the portal holds of this person, as a ZIP, without secrets.")
                ):
                    with tag("a", "mp-btn", href=f"/admin/api/accounts/{account.id}/export", download=""):
                        icon("export")
                        Text("span", _("Download export"))
                about = _("Its person is signed out, and its keys are refused, until it is active again.")
                with _row(_("Suspend"), about) as self._suspending:
                    suspend = button(_("Suspend account"), self._ask, kind="danger", icon="ban")
                about = _("Its person may sign in again, and its keys work again.")
                with _row(_("Activate"), about) as self._activating:
                    button(_("Activate account"), self._activate, icon="check")
                with _row(_("Delete"), _("Erases the person for ever; the usage is kept without a name.")):
                    delete = button(_("Delete account"), kind="danger", icon="trash")
        self._confirmation = Confirmation(_("Cancel"), _("Suspend account"), home=suspend)
        deleting = DeleteAccount(viewer, account)
        delete.on_click(lambda: deleting.open(self._account))

    def show(self, view: AccountPageView, _now: datetime) -> None:
        """Show the buttons that are possible."""
        self._account = view.account
        self._suspending.set_visibility(view.account.is_active)
        self._activating.set_visibility(not view.account.is_active)

    def _ask(self) -> None:
        self._confirmation.ask(
            _("Suspend this account?"),
            _("All its sessions end at once, and gateways refuse its API keys. Figures stay. You can undo this."),
            self._suspend,
            code=self._account.username,
        )

    async def _suspend(self) -> None:
        await self._set_active(active=False)
        self._done.say(_("The account is suspended."))

    async def _activate(self) -> None:
        await self._set_active(active=True)
        self._done.say(_("The account is active."))

    async def _set_active(self, *, active: bool) -> None:
        account = self._account
        await in_transaction(set_active, self._viewer.actor, account.id, active, utc_now(), version=account.version)
        await recheck()
        await refresh_all(self._viewer.id)


class DeleteAccount:
    """Lists the erased and the kept data, and asks for the user name before it deletes."""

    def __init__(self, viewer: Viewer, account: AccountDetails) -> None:
        """Draw the dialog closed."""
        self._viewer, self._account = viewer, account
        self._dialog = FormDialog("delete-account", _("Delete this account?"), self._delete, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            _draw_list(
                _("Erased for ever"),
                (
                    _("Username, name, email address, time zone and password"),
                    _("Sessions and API keys: gateways refuse them at once"),
                    _("Notes, mails, alerts and notifications"),
                    _("Budget, allowances and budget requests; the person manages no team any more"),
                    _("The name in the audit log and in held events"),
                ),
            )
            _draw_list(
                _("Kept"),
                (
                    _(
                        "Requests, tokens and cost, under deleted-{id}, so that all totals stay right",
                        id=str(account.id),
                    ),
                    _("The digests of its keys, so that late reports are still counted there"),
                    _("The entries of the audit log, without the name"),
                ),
            )
            self._typed = form.text("username", "", autocomplete="off", spellcheck="false")
            form.says()
        with self._dialog.foot:
            self._dialog.cancel(_("Keep account"))
            form.submit(_("Delete account")).classes(remove="mp-btn--primary", add="mp-btn--danger-fill")
        set_props(self._typed.control, autofocus=True)

    def open(self, account: AccountDetails) -> None:
        """Ask whether this account is to be deleted."""
        self._account = account
        self._dialog.context.show(f"{account.display_name} ({account.username})")
        self._typed.fill("")
        self._typed.rename(_("Type {username} to confirm", username=account.username))
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        self.open(self._account)

    async def _delete(self) -> str:
        account = self._account
        if self._typed.text.strip().lower() != account.username:
            raise InvalidInput(message("This is not the username of the account."), "username")
        await in_transaction(delete_account, self._viewer.actor, account.id, utc_now())
        self._dialog.close()
        await recheck()
        ui.navigate.to(account_url(account.id))
        return ""


def _row(name: str, about: str) -> Element:
    """Draw a name and a sentence; return the row, in which a button is drawn at the right."""
    with tag("div", "mp-row") as row, tag("div"):
        Text("h3", name)
        Text("p", about).classes("mp-card__sub")
    return row


def _draw_list(title: str, lines: tuple[str, ...]) -> None:
    with tag("div", "mp-points"):
        Text("h3", title)
        with tag("ul"):
            for line in lines:
                Text("li", line)
