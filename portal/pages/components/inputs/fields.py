"""Forms: fields with labels, complaints beside their fields, and a message after sending.

Decision: a form is an HTML `<form>`, so that Enter sends it and password managers find it. It is drawn once, outside of
refreshed elements, so that no typed text is lost.
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
    """A control with its label above, and below it a hint, which a complaint about the value replaces."""

    def __init__(self, label: str, draw: Callable[[], Control], hint: str = "") -> None:
        """Draw the label, the control by `draw`, and the hint."""
        self._hint = hint
        with tag("div", "mp-labelled") as self.element:
            name = self._name = Text("label", label).classes("mp-label")
            self.control: Control = draw()
            self._below = Text("p", hint).classes("mp-hint")
        control_id = f"field-{self.control.id}"
        name.props["for"] = control_id
        self.control.props.update({"for": control_id, "aria-describedby": self._below.html_id})
        self.control.props("outlined dense")
        self.control.on_value_change(self.accept)

    @property
    def text(self) -> str:
        """The typed or chosen value; "" if there is none."""
        return str(self.control.value or "")

    def fill(self, text: str) -> None:
        """Set another value."""
        self.control.set_value(text)

    def rename(self, label: str) -> None:
        """Show another label."""
        self._name.show(label)

    def hint(self, text: str) -> None:
        """Show another hint, in place of an earlier complaint."""
        self._hint = text
        self.accept()

    def refuse(self, sentence: str, *, focus: bool = True) -> None:
        """Show a complaint about the value; with `focus` move the cursor there."""
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


class _Typed(ui.input):
    """An input that the server may change only while the page is connected."""

    def run_method(self, name: str, *args: Any, timeout: float = 1) -> AwaitableResponse:
        """Call a method in the browser; do nothing before the page is connected.

        A page is sent with its values in it. A call that waits for the connection would arrive after a person has
        typed, and replace the typed text by the value of the page.
        """
        if not self.client.has_socket_connection:
            return NullResponse()
        return super().run_method(name, *args, timeout=timeout)


class _TypedLines(_Typed, ui.textarea):
    """The same with several lines."""


def text_field(
    label: str, value: str = "", *, hint: str = "", kind: str = "text", lines: int = 1, **props: object
) -> "Field[ui.input]":
    """Draw a field for one line of text, or for several that shows `lines` of them.

    `kind` is the HTML type of a line, `props` are those of the input.
    """

    def draw() -> ui.input:
        drawn = _Typed(value=value) if lines == 1 else _TypedLines(value=value)
        set_props(drawn, **(props | ({"type": kind} if lines == 1 else {"rows": lines})))
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


def switch_row(text: str, about: str, *, on: bool) -> ui.switch:
    """Draw a switch with its name and a line about it."""
    with tag("div", "mp-switch"):
        with ui.element("div"):
            label = Text("span", text)
            hint = Text("p", about).classes("mp-card__sub")
        switch = ui.switch(value=on)
    set_props(switch, aria_labelledby=label.html_id, aria_describedby=hint.html_id)
    return switch


class Notice:
    """The result of an action, or why it failed; screen readers read it when it appears."""

    _ICONS = {"ok": "ok", "info": "info", "warn": "warn", "crit": "crit"}  # noqa: RUF012  # it is constant

    def __init__(self) -> None:
        """Draw it hidden."""
        with tag("div", "mp-message", role="status"), tag("div", "mp-msg") as self._box:
            self._icon = icon("ok")
            self._text = Text("div")
        self._box.set_visibility(False)

    def say(self, text: str, kind: str = "ok") -> None:
        """Show a text; `kind` is ok, info, warn or crit."""
        self._icon.set_name(icon_name(self._ICONS[kind]))
        self._box.classes(replace=f"mp-msg mp-msg--{kind}")
        self._text.show(text)
        self._box.set_visibility(True)

    def clear(self) -> None:
        """Hide the message."""
        self._box.set_visibility(False)
        self._text.show("")


class Form:
    """Fields that are sent together. Use it as a context that draws them; it is sent once at a time."""

    def __init__(self, save: Callable[[], Awaitable[str]], *, name: str) -> None:
        """Store `save`, which saves the values; it returns the text to show then, and raises PortalError on failure.

        `name` is the name of the form for screen readers.
        """
        self._save = save
        self._fields: dict[str, Field[ui.input] | Field[ui.select]] = {}
        self._controls: dict[str, ui.input | ui.select | ui.switch] = {}
        self._secrets: set[str] = set()
        self._is_busy = False
        self._after_saving: Callable[[], object] = lambda: None
        self._button: ui.button | None = None
        self.message: Notice | None = None
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
        self,
        name: str,
        label: str,
        value: str = "",
        *,
        hint: str = "",
        kind: str = "text",
        lines: int = 1,
        **props: object,
    ) -> Field[ui.input]:
        """Draw a field for text, as `text_field` does; errors of the field `name` are shown beside it.

        Control and Enter send the form from a field with several lines.
        """
        field = text_field(label, value, hint=hint, kind=kind, lines=lines, **props)
        if lines > 1:
            for keys in ("keydown.ctrl.enter", "keydown.meta.enter"):
                field.control.on(keys, self.send, args=[])
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
        """Draw a field with options; errors of the field `name` are shown beside it."""
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
        """Make a control a part of the form; the draft in the browser has its value, unless it is secret.

        `drafts.js` reads typed text from the input; a chosen value is written to the element `place` for it.
        """
        control.on_value_change(self.touched)
        self._controls[name] = control
        if is_secret:
            self._secrets.add(name)
        elif isinstance(control, ui.input):
            set_props(control, data_field=name)
        else:
            _publish_value(name, control, place or control)

    @property
    def values(self) -> dict[str, str]:
        """The typed and chosen values."""
        return {name: str(control.value or "") for name, control in self._controls.items()}

    @property
    def plain_values(self) -> dict[str, str]:
        """The typed and chosen values, without secrets."""
        return {name: text for name, text in self.values.items() if name not in self._secrets}

    def fill(self, values: Mapping[str, str]) -> None:
        """Set the values of fields; secrets, unknown fields and unknown options are left out."""
        for name in values.keys() & self.plain_values.keys():
            control = self._controls[name]
            if isinstance(control, ui.switch):
                control.set_value(bool(values[name]))
            elif isinstance(control, ui.input) or values[name] in control.options:
                control.set_value(values[name])

    def on_saved(self, call: Callable[[], object]) -> None:
        """Call `call` each time after the form was saved."""
        self._after_saving = call

    def submit(self, text: str) -> ui.button:
        """Draw the button that sends the form."""
        self._button = button(text, kind="primary").props("type=submit")
        return self._button

    def says(self) -> Notice:
        """Draw the message, which is hidden until there is a result."""
        self.message = Notice()
        return self.message

    def forget(self) -> None:
        """Remove the message and all complaints."""
        for field in self._fields.values():
            field.accept()
        self.touched()

    def touched(self) -> None:
        """Hide the message, since a field has been changed."""
        if self.message:
            self.message.clear()

    async def send(self) -> None:
        """Save the form, as its button does."""
        await self.run(self._save)

    async def run(self, save: Callable[[], Awaitable[str]]) -> None:
        """Call `save` as the form's button does: once at a time, with complaints and message shown."""
        if self._is_busy:
            return
        self._is_busy = True
        self.forget()
        if self._button:
            set_props(self._button, loading=True)
        try:
            text = await save()
        except NotSignedIn:
            raise  # the session has ended: `tell_in_page` sends the visitor to the sign-in form
        except PortalError as error:
            if not self.element.is_deleted:
                self._refuse(error)
        else:
            if not self.element.is_deleted:
                self._say_saved(text)
        finally:
            self._is_busy = False
            if self._button and not self.element.is_deleted:  # the tab may have been closed during the await
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


def _publish_value(name: str, control: ui.select | ui.switch, place: Element) -> None:
    """Write the value of a control to an attribute of `place`, where `drafts.js` reads it."""

    def publish() -> None:
        set_props(place, data_field=name, data_value=str(control.value or ""))

    control.on_value_change(publish)
    publish()
