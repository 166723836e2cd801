"""Parts for connecting a gateway or a program: choice of a kind, snippets, and a light that shows the first event."""

from collections.abc import Awaitable, Callable, Mapping

from nicegui import events, ui
from nicegui.element import Element

from portal.clock import utc_now
from portal.errors import PortalError, Unavailable
from portal.pages.admin.snippets import Kind, Values
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.parts import Text, button, icon, icon_name, set_props, tag
from portal.rules import messages
from portal.settings import settings
from portal.views.metering.gateways import ConnectionState, ConnectionView
from portal.words import _, say
from portal.words.formats import Formats

LOOKS_EVERY = 2.0
"""Seconds between two checks while somebody waits for the light."""
_ICONS = {ConnectionState.WAITING: "clock", ConnectionState.TROUBLE: "warn", ConnectionState.CONNECTED: "ok"}
_KINDS = {ConnectionState.WAITING: "", ConnectionState.TROUBLE: "mp-msg--warn", ConnectionState.CONNECTED: "mp-msg--ok"}


def public_address() -> str:
    """Return the configured address of the portal, or else the one of the page; programs use it too."""
    request = ui.context.client.request
    return (settings().base_url or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")


def say_copied(message: Notice, event: events.GenericEventArguments) -> None:
    """Say whether the browser copied a text, which it does by itself, see frame.js."""
    if event.args is True:
        message.say(_("Copied."))
    else:
        message.say(_("This browser does not let pages copy. The text is selected: press Ctrl+C or ⌘C."), "warn")


class Choice:
    """A row of buttons of which one is chosen."""

    def __init__(
        self, label: str, options: Mapping[str, messages.Message | str], chosen: str, choose: Callable[[str], object]
    ) -> None:
        """Draw it with one chosen; call `choose` with the key of each that is chosen later."""
        self._choose = choose
        self._buttons: dict[str, Element] = {}
        with tag("div", "mp-seg mp-seg--wide", role="group", aria_label=label):
            for key, name in options.items():
                drawn = tag("button", "mp-seg__choice", say(name), type="button", data_testid=f"kind-{key}")
                drawn.on("click", lambda key=key: self.choose(key), args=[])
                self._buttons[key] = drawn
        self._mark(chosen)

    def choose(self, key: str) -> None:
        """Choose one."""
        self._mark(key)
        self._choose(key)

    def _mark(self, chosen: str) -> None:
        self.chosen = chosen
        for key, drawn in self._buttons.items():
            set_props(drawn, aria_pressed="true" if key == chosen else "false")


def draw_snippet(instruction: str, text: str) -> None:
    """Draw a text to copy below what to do with it, with a button that copies it."""
    with tag("div", "mp-snippet__head"):
        Text("p", instruction)
        copy = button(_("Copy"), kind="ghost", icon="copy")
    code = Text("pre", text).props("tabindex=0").classes("mp-code")
    set_props(code, aria_label=instruction, role="region")
    set_props(copy, data_copies=code.html_id, aria_label=_("Copy: {text}", text=instruction))


class Snippets:
    """The texts to copy for one kind, each with a button."""

    def __init__(self) -> None:
        """Draw an empty place for them."""
        self._place = tag("div", "mp-snippets", data_testid="snippets")

    def show(self, kind: Kind, values: Values) -> None:
        """Show the texts of a kind with these values."""
        self._place.clear()
        with self._place:
            Text("p", say(kind.about)).classes("mp-muted")
            for part in kind.parts:
                draw_snippet(say(part.instruction), part.text(values))

    def clear(self) -> None:
        """Remove the texts, and the token in them."""
        self._place.clear()


class ConnectionLight:
    """Shows whether something new has reported, and checks again until it has."""

    def __init__(self, formats: Formats) -> None:
        """Draw it hidden."""
        self._formats = formats
        self._look: Callable[[], Awaitable[ConnectionView]] | None = None
        self._timer: ui.timer | None = None
        with tag("div", "mp-light", role="status", data_testid="connection"), tag("div", "mp-msg") as self._box:
            self._icon = icon("clock")
            with ui.element("div"):
                self._text = Text("span")
                self._at = Text("span").classes("mp-faint mp-small mp-light__at")
        self._box.set_visibility(False)

    def watch(self, look: Callable[[], Awaitable[ConnectionView]], now: ConnectionView) -> None:
        """Show the state now, and call `look` every few seconds until it is connected."""
        self._look = look
        self.show(now)
        if self._timer is None:
            with self._box:
                self._timer = ui.timer(LOOKS_EVERY, self._look_again, immediate=False)
        self._timer.activate()

    def stop(self) -> None:
        """Hide it and check no more."""
        self._rest()
        self._box.set_visibility(False)

    def show(self, connection: ConnectionView) -> None:
        """Show the state of a connection; once it is connected, check no more."""
        self._box.set_visibility(True)
        self._box.classes(replace=f"mp-msg {_KINDS[connection.state]}")
        set_props(self._box, data_light=connection.state.value)
        self._icon.set_name(icon_name(_ICONS[connection.state]))
        self._text.show(say(connection.sentence))
        at = connection.at
        self._at.show(self._formats.moment(at, utc_now()) if at else "", title=self._formats.exact(at) if at else "")
        if connection.state is ConnectionState.CONNECTED:
            self._rest()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.deactivate()

    async def _look_again(self) -> None:
        if self._look is None:
            return
        try:
            self.show(await self._look())
        except Unavailable:
            pass  # it looks again
        except PortalError:
            self.stop()
