"""Dialogs that set the address of a webhook or of a chat service, and show the secret of a webhook once."""

import asyncio

from nicegui.element import Element

from portal.actions.notifications import clean_chat, remove_channel, set_chat, set_webhook
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.pages.components.inputs.dialogs import Dialog, FormDialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, icon, set_props, tag
from portal.rules.notifications import Channel
from portal.views.people.accounts import Viewer
from portal.words import _, say
from portal.words.labels import CHANNELS


class AddressDialog:
    """Asks for the address of a webhook or of a chat service, and removes the stored one."""

    def __init__(self, viewer: Viewer, channel: Channel, done: Notice, *, home: Element) -> None:
        """Draw the dialog closed; `home` gets the focus afterwards. It never shows the stored address, a secret."""
        self.is_set = False
        self._viewer = viewer
        self._channel = channel
        self._done = done
        about = _("Each request is signed with this secret: HMAC-SHA256 over time, a dot and the body.")
        self._secret = SecretDialog(home, _("Webhook saved"), about)
        self._dialog = FormDialog(
            f"{channel}-address", say(CHANNELS[channel]), self._save, reopen=self._reopen, home=home
        )
        form = self._dialog.form
        with self._dialog.body:
            self._url = form.text(f"{channel}_url", _("Address"), hint=_hint(channel), placeholder=_EXAMPLES[channel])
            form.says()
        with self._dialog.foot:
            self._remove = button(_("Remove"), self._remove_address, kind="danger")
            self._dialog.cancel()
            form.submit(_("Save"))
        set_props(self._url.control, autofocus=True, autocomplete="off", spellcheck="false")

    def open(self) -> None:
        """Open the dialog with an empty field."""
        self._url.fill("")
        self._remove.set_visibility(self.is_set)
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        self.open()

    async def _save(self) -> str:
        actor, url = self._viewer.actor, self._url.text
        secret = ""
        if self._channel is Channel.CHAT:
            checked = await asyncio.to_thread(clean_chat, url)
            await in_transaction(set_chat, actor, checked, utc_now())
        else:
            secret = await in_transaction(set_webhook, actor, url, utc_now())
        self._dialog.close()
        self._done.say(_("Saved. Send a test to see whether it arrives."))
        if secret:
            self._secret.open(secret)
        await refresh_all(self._viewer.id)
        return ""

    async def _remove_address(self) -> None:
        await in_transaction(remove_channel, self._viewer.actor, self._channel, utc_now())
        self._dialog.close()
        self._done.say(_("The address has been removed."))
        await refresh_all(self._viewer.id)


_EXAMPLES = {Channel.WEBHOOK: "https://hooks.example.org/portal", Channel.CHAT: "ntfys://topic"}


def _hint(channel: Channel) -> str:
    if channel is Channel.WEBHOOK:
        return _("Gets a signed POST request with JSON for each notification.")
    return _("In the notation of Apprise, for Slack, Teams, ntfy or Matrix.")


class SecretDialog:
    """Shows a new secret once."""

    def __init__(self, home: Element, title: str, about: str) -> None:
        """Draw the dialog closed and empty; only its button closes it, then `home` gets the focus."""
        self._dialog = Dialog(title, must_answer=True, home=home)
        with self._dialog.body:
            Text("p", about)
            with tag("div", "mp-secret-row"):
                self._secret = Text("code").classes("mp-secret")
                copy = button(_("Copy secret"), kind="primary", icon="copy").props("autofocus")
            with tag("div", "mp-msg mp-msg--warn"):
                icon("warn")
                Text("div", _("Copy it now. It cannot be shown again."))
        with self._dialog.foot:
            button(_("I have copied it"), self._close)
        copy.props["data-copies"] = self._secret.html_id

    def open(self, secret: str) -> None:
        """Show a secret that has just been made."""
        self._secret.show(secret)
        self._dialog.open()

    def _close(self) -> None:
        self._secret.client.outbox.message_history.clear()  # NiceGUI keeps sent messages for browsers that reconnect
        self._secret.show("")
        self._dialog.close()
