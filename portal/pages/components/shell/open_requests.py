"""The number of budget requests that wait for the viewer's decision, beside a link of the menu."""

from datetime import datetime

from nicegui import ui

from portal.db.sql.session import in_reading
from portal.pages.components.live import follow_later
from portal.pages.components.parts import Text, set_props
from portal.views.people.accounts import Viewer
from portal.views.spending.budget_requests import load_open_count
from portal.words import plural


class OpenRequests:
    """A number that is hidden while nobody waits. It is loaded after the page was sent, and at every tick."""

    def __init__(self, viewer: Viewer) -> None:
        """Draw it hidden."""
        self._count = Text("span", "").classes("mp-nav__count")
        set_props(self._count, data_testid="open-requests")
        self._count.set_visibility(False)

        async def load() -> int:
            return await in_reading(load_open_count, viewer)

        page = follow_later(("open-requests", viewer.id), load, self.show)
        ui.timer(0, page.refresh, once=True)

    def show(self, count: int, _now: datetime | None = None) -> None:
        """Show another number."""
        self._count.show(str(count) if count < 100 else "99+")
        words = plural("{count} request waits", "{count} requests wait", count)
        set_props(self._count, title=words, aria_label=words, role="img")
        self._count.set_visibility(count > 0)
