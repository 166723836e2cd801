"""The bell: the number of unread budget alerts and answers to requests, and a list of the newest ones."""

from datetime import datetime

from nicegui import ui

from portal.actions.bell import read_bell
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.pages.components.live import follow_later
from portal.pages.components.parts import Text, icon, icon_button, set_props, tag
from portal.pages.components.shell.menus import menu
from portal.pages.navigation import BILLING, DASHBOARD
from portal.rules.spending.alerts import FULL
from portal.rules.spending.budget_requests import RequestState
from portal.views.bell import BellView, count_unread, load_bell
from portal.views.people.accounts import Viewer
from portal.views.spending.budget_requests import BudgetRequestView
from portal.views.spending.crossings import CrossingView
from portal.words import _
from portal.words.alerts import alert_sentence, answer_sentence, consumed_of
from portal.words.formats import Formats


class Bell:
    """A button with the number of unread entries; it opens the list of the newest, which marks them as read."""

    def __init__(self, viewer: Viewer, formats: Formats) -> None:
        """Draw the number of the request of the page; every tick refreshes it."""
        self._viewer = viewer
        self._formats = formats
        self._button = icon_button("bell", "", self._read).classes("mp-bell")
        set_props(self._button, data_testid="bell")
        with self._button:
            self._count = Text("span").classes("mp-bell__count")
        place = 'anchor="bottom right" self="top right"'
        with menu(self._button, _("Messages"), place, classes="mp-bell__list", stays=True):
            Text("p", _("Messages")).classes("mp-menu__caption").props("aria-hidden=true")
            self._list = tag("ul", role="none", data_testid="bell-list")
        self._show_count(viewer.unread)
        follow_later(("bell", viewer.id), self._load_unread, lambda unread, _: self._show_count(unread))

    def show(self, view: BellView, now: datetime) -> None:
        """Show newer alerts and answers."""
        self._list.clear()
        with self._list:
            for item in view.items:
                if isinstance(item, CrossingView):
                    self._draw_alert(item, now)
                else:
                    self._draw_answer(item, now)
            if not view.items:
                with tag("li", role="none"):
                    nothing = _("Nothing yet. A warning appears here when a budget comes near its limit.")
                    tag("p", "mp-muted", nothing, role="menuitem", aria_disabled="true")

    def _draw_alert(self, crossing: CrossingView, now: datetime) -> None:
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

    def _draw_answer(self, request: BudgetRequestView, now: datetime) -> None:
        f, is_approved = self._formats, request.state is RequestState.APPROVED
        line = tag("li", "" if request.is_read else "is-new", role="none")
        with line, tag("a", "mp-bell__item", href=DASHBOARD.path, role="menuitem"):
            icon("ok" if is_approved else "x").classes("is-good" if is_approved else "is-plain")
            with ui.element("span"):
                tokens = request.granted_tokens if is_approved and request.granted_tokens else request.tokens
                Text("span", answer_sentence(request.period, tokens, is_approved=is_approved)).classes("mp-bell__what")
                if request.answer:
                    Text("span", request.answer).classes("mp-bell__word mp-small")
                Text("span", f.moment(request.at, now)).classes("mp-faint mp-small").props["title"] = f.exact(
                    request.at
                )

    def _show_count(self, unread: int) -> None:
        self._count.show(str(unread) if unread < 100 else "99+")
        self._count.set_visibility(unread > 0)
        name = _("Messages, {unread} unread", unread=unread) if unread else _("Messages")
        set_props(self._button, aria_label=name, title=name)

    async def _load_unread(self) -> int:
        return await in_reading(count_unread, self._viewer.id)

    async def _read(self) -> None:
        """Show the present alerts, and mark them as read."""
        view = await in_reading(load_bell, self._viewer.id, utc_now())
        self.show(view, utc_now())
        if view.unread and not self._viewer.acting:
            last_alert = next((crossing.id for crossing in view.crossings), None)
            last_answer = next((request.at for request in view.answers), None)
            await in_transaction(read_bell, self._viewer.actor, last_alert, last_answer, utc_now())
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
