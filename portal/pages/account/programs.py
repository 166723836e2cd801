"""Connect, in the desktop program: how do my local programs report, and does each of them?"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from nicegui import events, ui

from portal.actions.metering.gateways import connect_program
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import NotFound
from portal.pages.account.program_guides import GUIDES, TOKEN_UNKNOWN, Step
from portal.pages.addresses import requests_url
from portal.pages.admin.connect import LOOKS_EVERY, draw_snippet, public_address, say_copied
from portal.pages.components.assets import static
from portal.pages.components.inputs.dialogs import Confirmation
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import live
from portal.pages.components.parts import Text, button, icon, icon_name, set_props, tag
from portal.pages.components.shell.frame import frame
from portal.pages.navigation import CONNECT
from portal.pages.routing import PageRouter
from portal.rules.metering.programs import Program
from portal.rules.periods import DayRange
from portal.settings import settings
from portal.views.metering.programs import ProgramState, ProgramsView, ProgramView, load_programs
from portal.views.people.accounts import Viewer
from portal.web.visitors import SignedIn
from portal.words import _, say
from portal.words.formats import Formats

router = PageRouter()

_ICONS = {
    ProgramState.OFF: "plug",
    ProgramState.WAITING: "clock",
    ProgramState.CONNECTED: "ok",
    ProgramState.HELD: "warn",
    ProgramState.REJECTED: "crit",
}


@router.page(CONNECT.path)
async def programs_page(viewer: SignedIn) -> None:
    """Show the person of the desktop program the local programs; a server has no such page."""
    if not settings().is_desktop:
        raise NotFound

    async def load() -> ProgramsView:
        return await in_reading(load_programs, viewer.id, utc_now())

    with frame(CONNECT, viewer) as head:
        head.subtitle(_("Choose a program, follow its steps, and watch its light turn green."))
        updated = head.updated(only_stale=True)
        _draw_taken_port()
        programs = ProgramList(viewer)
        page = await live(("programs", viewer.id), load, programs.show, updated)
        programs.look_often(page.refresh)


class ProgramList:
    """All programs, one card each; at most one is open."""

    def __init__(self, viewer: Viewer) -> None:
        """Draw the cards closed and without a state."""
        self._spoken = Text().classes("mp-sr").props("role=status")
        self._renewing = Confirmation(_("Keep token"), _("New token"))
        with tag("div", "mp-programs"):
            self._cards = {program: ProgramCard(program, viewer, self) for program in Program}
        self._refresh: Callable[[], Awaitable[None]] | None = None
        ui.on("portal-copied", self._say_copied)

    def look_often(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """Call `refresh` every few seconds while a program is waited for."""
        self._refresh = refresh
        ui.timer(LOOKS_EVERY, self._look, immediate=False)

    def show(self, view: ProgramsView, now: datetime) -> None:
        """Show newer states, and say for screen readers which lights have turned green."""
        for program in view.programs:
            if self._cards[program.program].show(program, view.day, now):
                self._spoken.show(f"{GUIDES[program.program].name}: {say(program.sentence)}")

    async def refresh(self) -> None:
        """Load newer states at once."""
        if self._refresh is not None:
            await self._refresh()

    def opened(self, card: "ProgramCard") -> None:
        """Close the card that was open before."""
        for other in self._cards.values():
            if other is not card:
                other.close()

    def ask_for_new_token(self, name: str, act: Callable[[], Awaitable[None]]) -> None:
        """Ask before the token of a program is replaced."""
        question = _("The old token stops working at once: follow the steps again with the new one.")
        self._renewing.ask(_("New token for {name}?", name=name), question, act)

    async def _look(self) -> None:
        if any(card.is_waiting for card in self._cards.values()):
            await self.refresh()

    def _say_copied(self, event: events.GenericEventArguments) -> None:
        for card in self._cards.values():
            card.say_copied(event)


class ProgramCard:
    """A program: its light and state, and below them, when it is open, what to copy and to do."""

    def __init__(self, program: Program, viewer: Viewer, programs: ProgramList) -> None:
        """Draw it closed."""
        self._program, self._viewer, self._programs = program, viewer, programs
        self._guide, self._formats = GUIDES[program], Formats.of(viewer)
        self._view: ProgramView | None = None
        self._token: str | None = None
        with tag("section", "mp-card mp-program", data_testid=f"connect-{program}") as self._card:
            with tag("div", "mp-program__head"):
                self._draw_state()
                self._connect = button(_("Connect"), self._make_token, icon="plus")
                self._toggle = button(_("Show steps"), self._turn, icon="down")
            self._body = tag("div", "mp-program__body")
        self._body.set_visibility(False)
        set_props(self._card, aria_label=self._guide.name)
        set_props(self._connect, aria_label=_("Connect {name}", name=self._guide.name))
        set_props(self._toggle, aria_controls=self._body.html_id, aria_expanded="false")
        self._toggle.set_visibility(False)

    def _draw_state(self) -> None:
        with tag("span", "mp-program__light", aria_hidden="true"):
            self._icon = icon("plug")
        with ui.element("div"):
            Text("h2", self._guide.name)
            with tag("p", "mp-program__state", data_testid=f"connect-state-{self._program}") as self._state:
                self._sentence = Text(skeleton=104)
                self._at = Text().classes("mp-program__at")
                self._today = tag("a", "mp-program__today")
                with self._today:
                    self._count = Text()
            Text("p", say(self._guide.about)).classes("mp-faint mp-program__about")

    @property
    def is_waiting(self) -> bool:
        """Whether its first usage is expected any moment."""
        is_off = self._view is None or self._view.state is ProgramState.OFF
        return not is_off and self._view is not None and self._view.state is not ProgramState.CONNECTED

    def show(self, view: ProgramView, day: DayRange, now: datetime) -> bool:
        """Show a newer state; return whether its light has just turned green."""
        before, self._view = self._view, view
        f, at = self._formats, view.at if view.state not in {ProgramState.OFF, ProgramState.WAITING} else None
        set_props(self._card, data_state=view.state.value)
        set_props(self._state, data_state=view.state.value)
        self._icon.set_name(icon_name(_ICONS[view.state]))
        self._sentence.show(say(view.sentence))
        is_green = view.state is ProgramState.CONNECTED
        write = f.at if is_green else f.moment
        self._at.show(write(at, now) if at else "", title=f.exact(at) if at else "")
        self._count.show(_("{requests} today", requests=f.requests(view.today)) if at else "")
        href = requests_url(day, mode=view.mode) if view.mode else None
        set_props(self._today, href=href) if href else self._today.props.pop("href", None)
        self._today.set_visibility(is_green or view.today > 0)
        is_off = view.state is ProgramState.OFF
        self._connect.set_visibility(is_off)
        self._toggle.set_visibility(not is_off)
        return is_green and before is not None and before.state is not ProgramState.CONNECTED

    def close(self) -> None:
        """Hide the steps, and remove the token from the page."""
        if self._body.visible:
            self._body.set_visibility(False)
            self._body.clear()
            self._body.client.outbox.message_history.clear()  # NiceGUI keeps what it sent
            self._label_toggle()

    def say_copied(self, event: events.GenericEventArguments) -> None:
        """Say whether the browser has copied a text, if the card is open."""
        if self._body.visible:
            say_copied(self._copied, event)

    def _turn(self) -> None:
        if self._body.visible:
            self.close()
        else:
            self._open()

    def _open(self) -> None:
        self._programs.opened(self)
        self._body.clear()
        with self._body:
            self._draw_body()
        self._body.set_visibility(True)
        self._label_toggle()

    def _label_toggle(self) -> None:
        is_open = self._body.visible
        self._toggle.set_text(_("Hide steps") if is_open else _("Show steps"))
        set_props(self._toggle, aria_expanded="true" if is_open else "false")

    def _draw_body(self) -> None:
        url, token = public_address(), self._token
        with tag("div", "mp-program__values"):
            _value(_("Address"), url, "connect-address")
            if token is not None:
                _value(_("Token"), token, "connect-token")
        with tag("div", "mp-msg mp-msg--warn"):
            icon("warn")
            Text("div", _("The token is shown only until you leave this page.") if token else self._lost_token())
            button(_("New token"), self._ask)
        with tag("ol", "mp-program__steps"):
            for step in self._guide.steps:
                with tag("li"):
                    _draw_step(step, url, token or TOKEN_UNKNOWN)
        self._copied = Notice()

    def _lost_token(self) -> str:
        prefix = self._view.token_prefix if self._view else None
        return _(
            "The token {prefix}… was shown once. To copy the steps again, create a new one.", prefix=prefix or "moe-gw-"
        )

    def _ask(self) -> None:
        self._programs.ask_for_new_token(self._guide.name, self._make_token)

    async def _make_token(self) -> None:
        made = await in_transaction(connect_program, self._viewer.actor, self._program, utc_now())
        self._token = made.token
        self._open()
        await self._programs.refresh()


def _draw_taken_port() -> None:
    """Say that connected programs report to a port that another program has, if that is so."""
    port = settings().taken_port
    if port is None:
        return
    with tag("div", "mp-msg mp-msg--warn", data_testid="connect-port"):
        icon("warn")
        sentence = _(
            "Another program has the port {port}, which your programs report to. Until it is free and MoE Portal is "
            "started again, the address is {address}.",
            port=str(port),
            address=public_address(),
        )
        Text("div", sentence)


def _value(name: str, text: str, test_id: str) -> None:
    """Draw a named value with a button that copies it."""
    with tag("div", "mp-program__value"):
        Text("span", name).classes("mp-faint mp-small")
        code = Text("code", text).classes("mp-mono").props(f"data-testid={test_id}")
        copy = button(_("Copy"), kind="ghost", icon="copy")
    set_props(copy, data_copies=code.html_id, aria_label=_("Copy: {text}", text=name))


def _draw_step(step: Step, url: str, token: str) -> None:
    instruction = say(step.instruction)
    if text := step.text(url, token):
        draw_snippet(instruction, text)
        return
    Text("p", instruction)
    if step.saved:
        with tag("a", "mp-btn", href=static(step.saved), download=step.name):
            icon("export")
            Text("span", _("Save {name}", name=step.name))
