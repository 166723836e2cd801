"""What the desktop program does on this computer: it starts with the system and shows notifications, if it may."""

import asyncio

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from portal.actions.spending.alerts import switch_notices
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.errors import PortalError
from portal.pages.components.inputs.fields import Notice, switch_row
from portal.pages.components.parts import Text, button, known_facts, set_props, tag
from portal.settings import settings
from portal.system import autostart
from portal.system.notices import show_notice
from portal.version import version
from portal.views.people.accounts import Viewer
from portal.words import _, say


class ComputerCard:
    """Two switches, which apply at once, and a button that shows a notification."""

    def __init__(self, viewer: Viewer, *, starts: bool, notifies: bool) -> None:
        """Draw the card with the present state of both switches."""
        self._viewer = viewer
        with tag("section", "mp-card", id="computer", data_testid="computer", aria_label=_("This computer")):
            with tag("div", "mp-card__head"):
                Text("h2", _("This computer"))
            with tag("div", "mp-card__body mp-form"):
                with tag("div", "mp-switches"):
                    about = _("Counting begins with your desktop; a window opens only when you open it.")
                    self._starts = switch_row(_("Start with the system"), about, on=starts)
                    about = _("When a budget passes a threshold or is used up.")
                    self._notifies = switch_row(_("Notifications"), about, on=notifies)
                with tag("div", "mp-form__foot"):
                    self._test = button(_("Show a test notification"), self._show_test, icon="bell")
                self._message = Notice()
                self._draw_facts()
        set_props(self._starts, data_testid="starts-with-system")
        set_props(self._notifies, data_testid="notifies")
        self._starts.on_value_change(self._switch_start)
        self._notifies.on_value_change(self._switch_notices)

    def _draw_facts(self) -> None:
        folder, number = known_facts(_("Folder of the data"), _("Version"))
        folder.show(str(settings().data_dir.absolute()))
        folder.classes("mp-mono mp-breaks")
        number.show(version())

    async def _switch_start(self, event: ValueChangeEventArguments[bool | None]) -> None:
        wanted = bool(event.value)
        try:
            if wanted == await asyncio.to_thread(autostart.is_on):
                return
            await asyncio.to_thread(autostart.switch, wanted)
        except PortalError as error:
            self._undo(self._starts, error, on=not wanted)
        else:
            self._message.say(_("It starts with the system.") if wanted else _("It no longer starts with the system."))

    async def _switch_notices(self, event: ValueChangeEventArguments[bool | None]) -> None:
        wanted = bool(event.value)
        try:
            await in_transaction(switch_notices, self._viewer.actor, wanted, utc_now())
        except PortalError as error:
            self._undo(self._notifies, error, on=not wanted)
        else:
            self._message.say(_("Notifications are on.") if wanted else _("Notifications are off."))

    def _undo(self, switch: ui.switch, error: PortalError, *, on: bool) -> None:
        self._message.say(say(error.sentence), "crit")
        switch.set_value(on)

    async def _show_test(self) -> None:
        self._message.clear()
        set_props(self._test, loading=True)
        text = _("Notifications of budget alerts look like this.")
        try:
            await asyncio.to_thread(show_notice, "MoE Portal", text)
        except PortalError as error:
            self._message.say(say(error.sentence), "warn")
        else:
            self._message.say(_("The system has taken the notification."))
        finally:
            set_props(self._test, loading=False)
