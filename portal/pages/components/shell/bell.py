"""The bell: the number of unread budget alerts, and a list of the newest alerts."""

from datetime import datetime

from nicegui import ui

from portal.actions.spending.crossings import read_crossings
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.pages.components.live import follow_later
from portal.pages.components.parts import Text, icon, icon_button, set_props, tag
from portal.pages.components.shell.menus import menu
from portal.pages.navigation import BILLING
from portal.rules.spending.alerts import FULL
from portal.views.people.accounts import Viewer
from portal.views.spending.crossings import BellView, CrossingView, count_unread, load_bell
from portal.words import _
from portal.words.alerts import alert_sentence, consumed_of
from portal.words.formats import Formats


class Bell:
    """A button with the number of unread alerts; it opens the list of the newest, which marks them as read."""

    def __init__(self, viewer: Viewer, formats: Formats) -> None:
        """Draw the number of the request of the page; every tick refreshes it."""
        self._viewer = viewer
        self._formats = formats
        self._button = icon_button("bell", "", self._read).classes("mp-bell")
        set_props(self._button, data_testid="bell")
        with self._button:
            self._count = Text("span").classes("mp-bell__count")
        place = 'anchor="bottom right" self="top right"'
        with menu(self._button, _("Budget alerts"), place, classes="mp-bell__list", stays=True):
            Text("p", _("Budget alerts")).classes("mp-menu__caption").props("aria-hidden=true")
            self._list = tag("ul", role="none", data_testid="bell-list")
        self._show_count(viewer.unread)
        follow_later(("bell", viewer.id), self._load_unread, lambda unread, _: self._show_count(unread))

    def show(self, view: BellView, now: datetime) -> None:
        """Show newer warnings."""
        self._list.clear()
        with self._list:
            for crossing in view.crossings:
                self._draw(crossing, now)
            if not view.crossings:
                with tag("li", role="none"):
                    nothing = _("Nothing yet. A warning appears here when a budget comes near its limit.")
                    tag("p", "mp-muted", nothing, role="menuitem", aria_disabled="true")

    def _draw(self, crossing: CrossingView, now: datetime) -> None:
        f = self._formats
        line = tag("li", "" if crossing.is_read else "is-new", role="none")
        with line, tag("a", "mp-bell__item", href=BILLING.path, role="menuitem"):
            is_full = crossing.threshold == FULL
            icon("crit" if is_full else "warn").classes("is-full" if is_full else "")
            with ui.element("span"):
                Text("span", sentence(crossing)).classes("mp-bell__what")
                at = Text("span").classes("mp-faint mp-small")
                at.show(" · ".join(filter(None, (f.moment(crossing.crossed_at, now), present(crossing, f)))))
                set_props(at, title=f"{f.exact(crossing.crossed_at)}, {then(crossing)}")

    def _show_count(self, unread: int) -> None:
        self._count.show(str(unread) if unread < 100 else "99+")
        self._count.set_visibility(unread > 0)
        name = _("Budget alerts, {unread} unread", unread=unread) if unread else _("Budget alerts")
        set_props(self._button, aria_label=name, title=name)

    async def _load_unread(self) -> int:
        return await in_reading(count_unread, self._viewer.id)

    async def _read(self) -> None:
        """Show the present alerts, and mark them as read."""
        view = await in_reading(load_bell, self._viewer.id, utc_now())
        self.show(view, utc_now())
        if view.unread and not self._viewer.acting:
            await in_transaction(read_crossings, self._viewer.actor, view.crossings[0].id, utc_now())
        self._show_count(0)


def sentence(crossing: CrossingView) -> str:
    """Return the sentence of an alert, with the limit of that time if the present one differs."""
    limit = None if crossing.is_same_limit else crossing.limit
    return alert_sentence(crossing.period, crossing.kind, crossing.threshold, limit)


def present(crossing: CrossingView, f: Formats) -> str:
    """Return the percentage of the budget that is used now; "" after its period has ended."""
    return "" if crossing.percent is None else _("now {percent}", percent=f.percent(crossing.percent))


def then(crossing: CrossingView) -> str:
    """Return the consumption at the time of the alert, and the limit."""
    return consumed_of(crossing.consumed, crossing.limit)
