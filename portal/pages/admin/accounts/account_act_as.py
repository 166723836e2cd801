"""Seeing the portal as a person: asks for the password of the administrator if it was not given lately."""

import asyncio

from nicegui import ui

from portal.actions.people.acting import act_as, needs_password
from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.components.inputs.dialogs import FormDialog
from portal.pages.components.parts import Text, button, set_props, tag
from portal.pages.components.shell.frame import Head
from portal.pages.navigation import DASHBOARD
from portal.views.people.account import AccountDetails
from portal.views.people.accounts import Viewer
from portal.words import _


class ActAs:
    """The button in the head of the page, and its dialog."""

    def __init__(self, viewer: Viewer, account: AccountDetails, head: Head) -> None:
        """Draw the button, and the dialog closed."""
        self._viewer, self._account = viewer, account
        with head.side:
            self._opener = button(_("Act as"), self._open, icon="eye")
        self._dialog = FormDialog("act-as", _("Act as this person"), self._begin, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            about = _(
                "You see the portal as this person for 30 minutes: you can look, but change nothing. The audit log "
                "names you and this person."
            )
            Text("p", about).classes("mp-muted")
            tag(
                "input",
                type="text",
                name_="username",
                autocomplete="username",
                value=viewer.username,
                readonly="",
                hidden="",
            )
            self._password = form.text("password", _("Your password"), kind="password", autocomplete="current-password")
            form.says()
        self._dialog.buttons(_("Act as this person"))
        set_props(self._password.control, autofocus=True)
        self.show(account)

    def show(self, account: AccountDetails) -> None:
        """Show the button only if it is possible."""
        self._account = account
        self._opener.set_visibility(account.may_be_seen)

    async def _open(self) -> None:
        viewer = self._viewer
        asks = await in_reading(needs_password, viewer.actor, viewer.session_id, utc_now())
        self._password.element.set_visibility(asks)
        self._password.fill("")
        self._dialog.context.show(f"{self._account.display_name} ({self._account.username})")
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        """Leave it closed: a password is not kept."""

    async def _begin(self) -> str:
        viewer, account_id = self._viewer, self._account.id
        await asyncio.to_thread(act_as, viewer.actor, viewer.session_id, account_id, self._password.text, utc_now())
        self._password.fill("")
        self._dialog.close()
        ui.navigate.to(DASHBOARD.path)
        return ""
