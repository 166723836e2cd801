"""The dialog with a link to set a password."""

from nicegui import events, ui
from nicegui.element import Element

from portal.actions.people.password_resets import PasswordLink
from portal.pages.admin.connect import public_address, say_copied
from portal.pages.components.inputs.dialogs import Dialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.parts import Text, button, icon, tag
from portal.words import _
from portal.words.formats import Formats


class PasswordLinkDialog:
    """Shows a link to set a password, the only time it can be seen."""

    def __init__(self, formats: Formats, home: Element) -> None:
        """Draw the dialog closed and empty."""
        self._formats = formats
        self._dialog = Dialog(_("Password link"), must_answer=True, home=home)
        with self._dialog.body:
            with tag("div", "mp-secret-row"):
                self._secret = Text("code").classes("mp-secret")
                copy = button(_("Copy link"), kind="primary", icon="copy").props("autofocus")
            with tag("div", "mp-msg mp-msg--warn"):
                icon("warn")
                self._about = Text("div", "")
            self._message = Notice()
        with self._dialog.foot:
            button(_("Done"), self._close)
        self._secret.props["data-testid"] = "password-link"
        copy.props["data-copies"] = self._secret.html_id
        ui.on("portal-copied", self._say)

    def open(self, made: PasswordLink, username: str) -> None:
        """Show a link that was just made."""
        self._message.clear()
        self._dialog.context.show(username)
        self._secret.show(f"{public_address().rstrip('/')}{made.path}")
        end = self._formats.exact(made.expires_at)
        text = _(
            "Pass it to this person only: whoever has it sets the password. It works once, until {time}, and is shown "
            "only now. A present password works until then.",
            time=end,
        )
        self._about.show(text)
        self._dialog.open()

    def _close(self) -> None:
        self._secret.client.outbox.message_history.clear()  # NiceGUI keeps what it sent
        self._secret.show("")
        self._dialog.close()

    def _say(self, event: events.GenericEventArguments) -> None:
        say_copied(self._message, event)
