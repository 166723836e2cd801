"""Connecting something: the choice of what it is, what to copy, and a light that turns green when it is heard of."""

from collections.abc import Awaitable, Callable, Mapping

from nicegui import events, ui
from nicegui.element import Element

from portal.clock import utc_now
from portal.errors import PortalError, Unavailable
from portal.pages.admin.snippets import Kind, Values
from portal.pages.components.inputs.fields import Message
from portal.pages.components.parts import Text, button, icon, icon_name, set_props, tag
from portal.settings import settings
from portal.views.gateways import Connection, Light
from portal.words import say
from portal.words.formats import Formats

LOOKS_EVERY = 2.0
"""Seconds between looks while somebody waits for the light."""
_ICONS = {Light.WAITING: "clock", Light.TROUBLE: "warn", Light.CONNECTED: "ok"}
_KINDS = {Light.WAITING: "", Light.TROUBLE: "mp-msg--warn", Light.CONNECTED: "mp-msg--ok"}


def public_address() -> str:
    """Return the address under which whoever looks at the page reaches the portal; of use to their programs too."""
    request = ui.context.client.request
    return (settings().base_url or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")


def say_copied(message: Message, event: events.GenericEventArguments) -> None:
    """Say whether the browser has copied a text; it does so by itself, see frame.js."""
    if event.args is True:
        message.say("Copied.")
    else:
        message.say("This browser does not let pages copy. The text is selected: press Ctrl+C or ⌘C.", "warn")


class Choice:
    """A row of buttons of which one is chosen."""

    def __init__(self, label: str, options: Mapping[str, str], chosen: str, choose: Callable[[str], object]) -> None:
        """Draw it with one chosen; call `choose` with each that is chosen later."""
        self._choose = choose
        self._buttons: dict[str, Element] = {}
        with tag("div", "mp-seg mp-seg--wide", role="group", aria_label=label):
            for key, name in options.items():
                drawn = tag("button", "mp-seg__choice", name, type="button", data_testid=f"kind-{key}")
                drawn.on("click", lambda _, key=key: self.choose(key), args=[])
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


class Snippets:
    """What to copy for one kind, each part with its button."""

    def __init__(self) -> None:
        """Draw the place for them."""
        self._place = tag("div", "mp-snippets", data_testid="snippets")

    def show(self, kind: Kind, values: Values) -> None:
        """Put the texts of another kind, or with other values, in place."""
        self._place.clear()
        with self._place:
            Text("p", kind.about).classes("mp-muted")
            for part in kind.parts:
                with tag("div", "mp-snippet__head"):
                    Text("p", part.do)
                    copy = button("Copy", kind="ghost", icon="copy")
                code = Text("pre", part.text(values)).props("tabindex=0").classes("mp-code")
                set_props(code, aria_label=part.do, role="region")
                set_props(copy, data_copies=code.html_id, aria_label=f"Copy: {part.do}")

    def clear(self) -> None:
        """Take the texts away, and the token in them."""
        self._place.clear()


class ConnectionLight:
    """Says whether something new has been heard of, and looks again until it has."""

    def __init__(self, formats: Formats) -> None:
        """Draw it, dark."""
        self._formats = formats
        self._look: Callable[[], Awaitable[Connection]] | None = None
        self._timer: ui.timer | None = None
        with tag("div", "mp-light", role="status", data_testid="connection"), tag("div", "mp-msg") as self._box:
            self._icon = icon("clock")
            with ui.element("div"):
                self._text = Text("span")
                self._at = Text("span").classes("mp-faint mp-small mp-light__at")
        self._box.set_visibility(False)

    def watch(self, look: Callable[[], Awaitable[Connection]], now: Connection) -> None:
        """Show what is known now, and look with `look` again and again, until it is green."""
        self._look = look
        self.show(now)
        if self._timer is None:
            with self._box:
                self._timer = ui.timer(LOOKS_EVERY, self._look_again, immediate=False)
        self._timer.activate()

    def stop(self) -> None:
        """Look no more."""
        self._rest()
        self._box.set_visibility(False)

    def show(self, connection: Connection) -> None:
        """Show what is known."""
        self._box.set_visibility(True)
        self._box.classes(replace=f"mp-msg {_KINDS[connection.light]}")
        set_props(self._box, data_light=connection.light.value)
        self._icon.set_name(icon_name(_ICONS[connection.light]))
        self._text.show(say(connection.sentence))
        at = connection.at
        self._at.show(self._formats.moment(at, utc_now()) if at else "", title=self._formats.exact(at) if at else "")
        if connection.light is Light.CONNECTED:
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
