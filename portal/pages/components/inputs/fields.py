"""Forms: labelled fields, complaints beside the values they are about, and a message after sending.

Decision: a form is a real `<form>`, so that Enter sends it and password managers see it. It is drawn once and is
outside whatever is refreshed, so that nothing half-typed is lost.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Generic, TypeVar

from nicegui import ui
from nicegui.awaitable_response import AwaitableResponse, NullResponse
from nicegui.element import Element

from portal.errors import NotSignedIn, PortalError
from portal.pages.components.parts import Text, button, icon, icon_name, set_props, tag
from portal.words import say

Control = TypeVar("Control", ui.input, ui.select)


class Field(Generic[Control]):
    """A control with its label above, and below it a hint that gives way to a complaint about the value."""

    def __init__(self, label: str, draw: Callable[[], Control], hint: str = "") -> None:
        """Draw the label, the control that `draw` makes, and the hint."""
        self._hint = hint
        with tag("div", "mp-labelled") as self.element:
            name = tag("label", "mp-label", label)
            self.control: Control = draw()
            self._below = Text("p", hint).classes("mp-hint")
        control_id = f"field-{self.control.id}"
        name.props["for"] = control_id
        self.control.props.update({"for": control_id, "aria-describedby": self._below.html_id})
        self.control.props("outlined dense")
        self.control.on_value_change(self.accept)

    @property
    def text(self) -> str:
        """What has been typed or chosen; nothing is empty."""
        return str(self.control.value or "")

    def fill(self, text: str) -> None:
        """Put another value in."""
        self.control.set_value(text)

    def hint(self, text: str) -> None:
        """Put another hint below, in place of what was wrong before."""
        self._hint = text
        self.accept()

    def refuse(self, sentence: str, *, focus: bool = True) -> None:
        """Show a complaint about the value, and put the cursor there, unless the person may be elsewhere by now."""
        self._below.classes(add="mp-hint--bad")
        self._below.show(sentence)
        self.control.classes(add="mp-field--bad")
        set_props(self.control, aria_invalid="true")
        if focus:
            self.control.run_method("focus")

    def accept(self) -> None:
        """Remove the complaint about an earlier value."""
        self._below.classes(remove="mp-hint--bad")
        self._below.show(self._hint)
        self.control.classes(remove="mp-field--bad")
        set_props(self.control, aria_invalid="false")


class _Input(ui.input):
    """An input that takes a value from here only while it can be seen who was first."""

    def run_method(self, name: str, *args: Any, timeout: float = 1) -> AwaitableResponse:
        """Call a method in the browser; none before the page is connected.

        A page is sent with its values in it. A call that waits for the connection would come after what a person has
        typed by then, and put the value of the page back over it.
        """
        if not self.client.has_socket_connection:
            return NullResponse()
        return super().run_method(name, *args, timeout=timeout)


def text_field(
    label: str, value: str = "", *, hint: str = "", kind: str = "text", **props: object
) -> "Field[ui.input]":
    """Draw a field for one line of text; `kind` is what HTML calls its type. `props` go on the input."""

    def draw() -> ui.input:
        drawn = _Input(value=value)
        drawn.props["type"] = kind
        set_props(drawn, **props)
        return drawn

    return Field(label, draw, hint)


def choice_field(
    label: str,
    options: Mapping[str, str],
    value: str | None,
    *,
    hint: str = "",
    searchable: bool = False,
) -> "Field[ui.select]":
    """Draw a field that offers `options`, stored values with their names."""

    def draw() -> ui.select:
        drawn = ui.select(dict(options), value=value if value in options else None, with_input=searchable)
        set_props(drawn, options_dense=True, dropdown_icon=icon_name("down"), popup_content_class="mp-options")
        return drawn

    return Field(label, draw, hint)


class Message:
    """Word of what has just been done, or why it was not; screen readers say it when it appears."""

    _ICONS = {"ok": "ok", "info": "info", "warn": "warn", "crit": "crit"}  # noqa: RUF012  # never changed

    def __init__(self) -> None:
        """Say nothing yet."""
        with tag("div", "mp-message", role="status"), tag("div", "mp-msg") as self._box:
            self._icon = icon("ok")
            self._text = Text("div")
        self._box.set_visibility(False)

    def say(self, text: str, kind: str = "ok") -> None:
        """Say something; `kind` is ok, info, warn or crit."""
        self._icon.set_name(icon_name(self._ICONS[kind]))
        self._box.classes(replace=f"mp-msg mp-msg--{kind}")
        self._text.show(text)
        self._box.set_visibility(True)

    def clear(self) -> None:
        """Take it back."""
        self._box.set_visibility(False)
        self._text.show("")


class Form:
    """Fields that are sent together. Use as a context for them; one form is sent once at a time."""

    def __init__(self, save: Callable[[], Awaitable[str]], *, name: str) -> None:
        """Call `save` with what was entered; it returns what to say then, and raises PortalError when it cannot.

        `name` is what the form is called for those who cannot see it.
        """
        self._save = save
        self._fields: dict[str, Field[ui.input] | Field[ui.select]] = {}
        self._controls: dict[str, ui.input | ui.select | ui.switch] = {}
        self._secrets: set[str] = set()
        self._is_busy = False
        self._after_saving: Callable[[], object] = lambda: None
        self._button: ui.button | None = None
        self.message: Message | None = None
        self.element: Element = tag("form", novalidate="", aria_label=name)
        self.element.on("submit.prevent", self.send)

    def __enter__(self) -> "Form":
        self.element.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.element.__exit__(kind, error, trace)

    def text(
        self, name: str, label: str, value: str = "", *, hint: str = "", kind: str = "text", **props: object
    ) -> Field[ui.input]:
        """Draw a field for one line of text; errors about `name` are shown beside it."""
        field = text_field(label, value, hint=hint, kind=kind, **props)
        self.watch(name, field.control, is_secret=kind == "password")
        self._fields[name] = field
        return field

    def choice(
        self,
        name: str,
        label: str,
        options: Mapping[str, str],
        value: str | None,
        *,
        hint: str = "",
        searchable: bool = False,
    ) -> Field[ui.select]:
        """Draw a field with options; errors about `name` are shown beside it."""
        field = choice_field(label, options, value, hint=hint, searchable=searchable)
        self._fields[name] = field
        self.watch(name, field.control, place=field.element)
        return field

    def watch(
        self,
        name: str,
        control: ui.input | ui.select | ui.switch,
        *,
        is_secret: bool = False,
        place: Element | None = None,
    ) -> None:
        """Make a control a part of the form; browsers keep its value, unless it is secret.

        They see typed text by themselves; a choice is written to `place` for them.
        """
        control.on_value_change(self.touched)
        self._controls[name] = control
        if is_secret:
            self._secrets.add(name)
        elif isinstance(control, ui.input):
            set_props(control, data_field=name)
        else:
            _tell_value(name, control, place or control)

    @property
    def values(self) -> dict[str, str]:
        """What has been typed and chosen."""
        return {name: str(control.value or "") for name, control in self._controls.items()}

    @property
    def plain_values(self) -> dict[str, str]:
        """What has been typed and chosen, without secrets."""
        return {name: text for name, text in self.values.items() if name not in self._secrets}

    def fill(self, values: Mapping[str, str]) -> None:
        """Put values into those fields that have them and can take them; secrets have none."""
        for name in values.keys() & self.plain_values.keys():
            control = self._controls[name]
            if isinstance(control, ui.switch):
                control.set_value(bool(values[name]))
            elif isinstance(control, ui.input) or values[name] in control.options:
                control.set_value(values[name])

    def on_saved(self, call: Callable[[], object]) -> None:
        """Call something whenever the form has been saved."""
        self._after_saving = call

    def submit(self, text: str) -> ui.button:
        """Draw the button that sends the form."""
        self._button = button(text, kind="primary").props("type=submit")
        return self._button

    def says(self) -> Message:
        """Draw the place of the message about the result."""
        self.message = Message()
        return self.message

    def forget(self) -> None:
        """Remove the message and all complaints."""
        for field in self._fields.values():
            field.accept()
        self.touched()

    def touched(self) -> None:
        """Remove the message about the form; something has been changed in it since."""
        if self.message:
            self.message.clear()

    async def send(self) -> None:
        """Save it, as its button does."""
        await self.run(self._save)

    async def run(self, save: Callable[[], Awaitable[str]]) -> None:
        """Do something else with what it is about, in the same way."""
        if self._is_busy:
            return
        self._is_busy = True
        self.forget()
        if self._button:
            set_props(self._button, loading=True)
        try:
            text = await save()
        except NotSignedIn:
            raise  # the session has ended: whoever answers for the page sends the visitor to the sign-in form
        except PortalError as error:
            if not self.element.is_deleted:
                self._refuse(error)
        else:
            if not self.element.is_deleted:
                self._say_saved(text)
        finally:
            self._is_busy = False
            if self._button and not self.element.is_deleted:  # the tab may have been closed meanwhile
                set_props(self._button, loading=False)

    def _say_saved(self, text: str) -> None:
        self._after_saving()
        if text and self.message:
            self.message.say(text)

    def _refuse(self, error: PortalError) -> None:
        field = self._fields.get(error.field or "")
        if field:
            field.refuse(say(error.sentence))
        elif self.message:
            self.message.say(say(error.sentence), "crit")


def _tell_value(name: str, control: ui.select | ui.switch, place: Element) -> None:
    """Keep the value of a control where the browser finds it; `drafts.js` reads it."""

    def tell() -> None:
        set_props(place, data_field=name, data_value=str(control.value or ""))

    control.on_value_change(tell)
    tell()
