"""The bell: how many warnings one has not seen, and the newest of them."""

from datetime import datetime

from nicegui import ui

from portal.actions.crossings import read_crossings
from portal.clock import utc_now
from portal.db.session import in_reading, in_transaction
from portal.pages.components.formats import Formats
from portal.pages.components.live import follow_later
from portal.pages.components.parts import Text, icon, icon_button, set_props, tag
from portal.rules.alerts import FORECAST, FULL
from portal.rules.periods import Period
from portal.views.accounts import Viewer
from portal.views.crossings import BellView, CrossingView, load_bell, load_unread

PERIODS = {Period.DAILY: "Daily budget", Period.MONTHLY: "Monthly budget", Period.TOTAL: "Total budget"}


class Bell:
    """A button with the number of unread warnings; it opens the list of the newest, which are seen then."""

    def __init__(self, viewer: Viewer, formats: Formats) -> None:
        """Draw it as it was when the page was asked for; from then on it follows every tick."""
        self._viewer = viewer
        self._formats = formats
        self._button = icon_button("bell", "", self._read).classes("mp-bell")
        set_props(self._button, data_testid="bell", aria_haspopup="menu")
        with self._button:
            self._count = Text("span").classes("mp-bell__count")
            with ui.menu().props('anchor="bottom right" self="top right"').classes("mp-menu mp-bell__list"):
                Text("p", "Budget alerts").classes("mp-menu__caption").props("aria-hidden=true")
                self._list = tag("ul", role="none", data_testid="bell-list")
        self._show_count(viewer.unread)
        follow_later(("bell", viewer.id), self._load_unread, lambda unread, _: self._show_count(unread))

    def show(self, view: BellView, now: datetime) -> None:
        """Put newer warnings in place."""
        self._list.clear()
        with self._list:
            for crossing in view.crossings:
                self._draw(crossing, now)
            if not view.crossings:
                with tag("li", role="none"):
                    nothing = "Nothing yet. You are told here when a budget comes near its limit."
                    tag("p", "mp-muted", nothing, role="menuitem", aria_disabled="true")

    def _draw(self, crossing: CrossingView, now: datetime) -> None:
        f = self._formats
        line = tag("li", "" if crossing.is_read else "is-new", role="none")
        with line, tag("a", "mp-bell__item", href="/user/billing", role="menuitem"):
            is_full = crossing.threshold == FULL
            icon("crit" if is_full else "warn").classes("is-full" if is_full else "")
            with ui.element("span"):
                Text("span", sentence(crossing)).classes("mp-bell__what")
                used = f"{f.number(crossing.consumed)} of {f.number(crossing.limit)} tokens"
                at = Text("span").classes("mp-faint mp-small")
                at.show(f"{used} · {f.moment(crossing.crossed_at, now)}", title=f.exact(crossing.crossed_at))

    def _show_count(self, unread: int) -> None:
        self._count.show(str(unread) if unread < 100 else "99+")
        self._count.set_visibility(unread > 0)
        name = f"Budget alerts, {unread} unread" if unread else "Budget alerts"
        set_props(self._button, aria_label=name, title=name)

    async def _load_unread(self) -> int:
        return await in_reading(load_unread, self._viewer.id)

    async def _read(self) -> None:
        """Show what there is now, and note that it has been seen."""
        view = await in_reading(load_bell, self._viewer.id)
        self.show(view, utc_now())
        if view.unread:
            await in_transaction(read_crossings, self._viewer.id, view.crossings[0].id, utc_now())
        self._show_count(0)


def sentence(crossing: CrossingView) -> str:
    """Say what happened to which budget."""
    name = PERIODS[crossing.period]
    if crossing.threshold == FORECAST:
        return f"{name} will be exhausted before it resets"
    return f"{name} exhausted" if crossing.threshold == FULL else f"{name} {crossing.threshold} % used"
