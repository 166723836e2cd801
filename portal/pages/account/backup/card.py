"""Backup on the profile of the desktop program: save everything to a file, and restore such a file."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from portal.backups.desktop import Preview, preview_upload, restore_upload, write_local_backup
from portal.clock import utc_now
from portal.errors import PortalError
from portal.pages.account.backup.files import FILE
from portal.pages.components.inputs.dialogs import Dialog
from portal.pages.components.inputs.fields import Notice, choice_field
from portal.pages.components.parts import Text, button, known_facts, set_props, tag
from portal.pages.navigation import PROFILE
from portal.pages.open_pages import close_pages
from portal.views.people.accounts import Viewer
from portal.web.bodies import LARGEST_BODIES
from portal.words import _, say
from portal.words.formats import Formats

_PICK = "() => document.getElementById('%s').click()"
_SEND = """async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  emit({state: "sending"});
  try {
    const answer = await fetch("%s", {method: "PUT", body: file, headers: {"Content-Type": "application/zip"}});
    const isText = (answer.headers.get("content-type") || "").startsWith("text/plain");
    emit({state: answer.ok ? "stored" : "refused", text: isText ? (await answer.text()).slice(0, 1000) : ""});
  } catch {
    emit({state: "refused", text: ""});
  }
}"""
"""Sends the chosen file as the body of a request; a message on the websocket would be too large."""
_RELOAD = f"""
    window.portalLeaves = true;
    if (location.pathname === "{PROFILE.path}") location.assign("{PROFILE.path}?restored=1");
    else location.reload();
"""
"""All open pages are loaded again, since they show the old data; this one says that it is done."""
_NEW = ""
"""The value of the choice that none of the accounts is the person's."""


class BackupCard:
    """A link that saves a backup, and a button that restores one."""

    def __init__(self, viewer: Viewer, formats: Formats) -> None:
        """Draw the card, and the dialog with what a chosen file contains."""
        self._viewer = viewer
        self._formats = formats
        self._dialog = RestoreDialog(self._restore)
        with tag("section", "mp-card", id="backup", data_testid="backup", aria_label=_("Backup")):
            with tag("div", "mp-card__head"), tag("div"):
                Text("h2", _("Backup"))
                Text("p", _("One file with all your data. A server of MoE Portal can restore it too.")).classes(
                    "mp-card__sub"
                )
            with tag("div", "mp-card__body mp-form"):
                with tag("div", "mp-form__foot"):
                    self._saves = button(_("Save a backup"), self._save, kind="primary")
                    self._picker = tag("input", type="file", accept=".zip", hidden="", aria_label=_("Backup file"))
                    self._restores = button(_("Restore…"))
                    self._restores.on("click", js_handler=_PICK % self._picker.html_id)
                self.message = Notice()
        self._picker.on("change", self._take, js_handler=_SEND % FILE)

    def say_restored(self) -> None:
        """Show that a backup was restored, as soon as the page is connected."""
        ui.navigate.history.replace(PROFILE.path)
        ui.timer(0.1, lambda: self.message.say(_("The backup was restored.")), once=True)

    async def _save(self) -> None:
        self.message.clear()
        set_props(self._saves, loading=True)
        try:
            await asyncio.to_thread(write_local_backup, utc_now())
        except PortalError as error:
            self.message.say(say(error.sentence), "crit")
        else:
            ui.download.from_url(FILE)
        finally:
            set_props(self._saves, loading=False)

    async def _take(self, event: GenericEventArguments) -> None:
        sent: dict[str, Any] = event.args if isinstance(event.args, dict) else {}
        text = str(sent.get("text", ""))
        self.message.clear()
        set_props(self._restores, loading=sent.get("state") == "sending")
        if sent.get("state") == "refused":
            most = LARGEST_BODIES[FILE] // 10**6
            self.message.say(text or _("The file could not be sent. It may have up to {size} MB.", size=most), "crit")
        elif sent.get("state") == "stored":
            await self._ask(text)

    async def _ask(self, upload: str) -> None:
        set_props(self._restores, loading=True)
        try:
            preview = await asyncio.to_thread(preview_upload, upload)
        except PortalError as error:
            self.message.say(say(error.sentence), "crit")
        else:
            self._dialog.ask(preview, self._formats)
        finally:
            set_props(self._restores, loading=False)

    async def _restore(self, preview: Preview, username: str) -> None:
        viewer = self._viewer
        if viewer.session_id is None or viewer.seen_session is None:
            return
        await asyncio.to_thread(restore_upload, preview.upload, viewer.actor, viewer.session_id, username, utc_now())
        await close_pages(viewer.seen_session, code=_RELOAD)


class RestoreDialog(Dialog):
    """Shows what a backup contains, and asks whether it may replace everything."""

    def __init__(self, restore: Callable[[Preview, str], Awaitable[None]]) -> None:
        """Draw it closed; `restore` is called with the preview and the chosen user name."""
        super().__init__(_("Restore this backup?"))
        self._restore = restore
        self._preview: Preview | None = None
        with self.body:
            names = (_("Saved"), _("Requests"), _("Billable tokens"), _("Cost"))
            self._facts = known_facts(*names)
            Text("p", _("It replaces everything here: usage, notes, budgets, prices and alerts.")).classes("mp-muted")
            self._choice = choice_field(
                _("Which account is yours?"), {}, None, hint=_("The backup is from a server with several accounts.")
            )
            self._message = Notice()
        with self.foot:
            self.cancel().props("autofocus")
            self._danger = button(_("Replace everything"), self._answer, kind="danger-fill")

    def ask(self, preview: Preview, formats: Formats) -> None:
        """Open with what a backup contains."""
        self._preview = preview
        manifest = preview.manifest
        values = (
            formats.full_moment(manifest.created_at),
            formats.number(manifest.requests),
            formats.number(manifest.tokens),
            formats.eur(manifest.cost_nano_eur),
        )
        for fact, value in zip(self._facts, values, strict=True):
            fact.show(value)
        options = {username: _named(username, name) for username, name in preview.accounts}
        options[_NEW] = _("None of them, a new account")
        self._choice.control.set_options(options, value=next(iter(options)))
        self._choice.element.set_visibility(bool(preview.accounts))
        self._message.clear()
        self.open()

    async def _answer(self) -> None:
        preview, self._preview = self._preview, None
        if preview is None:
            return  # a second click while the first one works
        set_props(self._danger, loading=True)
        try:
            await self._restore(preview, self._choice.text if preview.accounts else _NEW)
        except PortalError as error:
            self._preview = preview
            self._message.say(say(error.sentence), "crit")
        finally:
            if not self.window.is_deleted:
                set_props(self._danger, loading=False)


def _named(username: str, display_name: str) -> str:
    return username if username == display_name else f"{display_name} ({username})"
