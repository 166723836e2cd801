"""The filter bar of a list: active fields are marked, and a refresh does not change a text that a person types.

The bar has the texts of its fields by the names of parameters in the address; `parse` makes a filter of them.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from nicegui import ui
from nicegui.element import Element

from portal.pages.components import cells
from portal.pages.components.inputs.fields import Field, choice_field, text_field
from portal.pages.components.names import Name
from portal.pages.components.parts import Text, button, icon, icon_button, set_props, tag
from portal.rules.metering.usage import InvalidFilter
from portal.words import _, context, say

AnyField = Field[ui.input] | Field[ui.select]
_TYPING = 300
"""Milliseconds after the last key press until a typed text is used."""
_TYPING_A_DAY = 700


class Wanted(Protocol):
    """A filter of a list."""

    def params(self) -> dict[str, str]:
        """Return the differences from the plain list as parameters of its address."""


AnyWanted = TypeVar("AnyWanted", bound=Wanted)


@dataclass(frozen=True, slots=True)
class Chip:
    """A choice without a field, drawn as a chip: its text, the name in it, and the parameters that it removes."""

    words: str
    params: tuple[str, ...]
    name: str = ""


class FilterBar(Generic[AnyWanted]):
    """The fields of a filter; each choice is passed to `change` at once. Use it as a context that draws the fields."""

    def __init__(
        self,
        label: str,
        parse: Callable[[Mapping[str, str]], AnyWanted],
        change: Callable[[AnyWanted], Awaitable[None]],
        *,
        plain: Callable[[AnyWanted], AnyWanted],
        replaces: Mapping[str, Sequence[str]],
    ) -> None:
        """Draw an empty bar. `plain` resets a filter; a choice of a name in `replaces` removes the choices listed."""
        self._parse = parse
        self._change = change
        self._plain = plain
        self._replaces = replaces
        self._fields: dict[str, AnyField] = {}
        self._segments: dict[tuple[str, str], Element] = {}
        self._wanted: AnyWanted
        self._first: dict[str, dict[str, str]] = {}
        self._texts: dict[str, str] = {}
        self._typed: dict[str, str] = {}
        self._days: set[str] = set()
        self._focused: str | None = None
        self._refused: set[str] = set()
        self._is_writing = False
        self.element = self._bar = tag("div", "mp-filters", role="search", aria_label=label)
        self._chips = tag("div", "mp-chips")

    def __enter__(self) -> "FilterBar[AnyWanted]":
        """Draw the following elements in the bar."""
        self._bar.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """End the bar with the button that resets all."""
        self._reset = button(context("button", "Reset"), self._reset_all, kind="ghost").classes("f-more")
        self._bar.__exit__(*error)

    def segments(self, name: str, label: str, choices: Mapping[str, str]) -> None:
        """Draw a row of buttons; one is pressed."""
        with tag("div", "mp-labelled"):
            heading = Text("span", label).classes("mp-label")
            with tag("div", "mp-seg", role="group", aria_labelledby=heading.html_id):
                for value, words in choices.items():
                    self._segments[name, value] = self._draw_segment(name, value, words)

    def more(self) -> None:
        """Draw the button that shows the fields after it on a phone, with the number of active ones."""

        def toggle() -> None:
            is_open = opener.props["aria-expanded"] == "false"
            set_props(opener, aria_expanded="true" if is_open else "false")
            self._bar.classes(add="is-open" if is_open else "", remove="" if is_open else "is-open")

        opener = button(_("Filters"), toggle, icon="funnel").classes("mp-filters__more")
        opener.props["aria-expanded"] = "false"
        with opener:
            self._count = Text("span", "0").classes("mp-count")

    def search(self, name: str, label: str, placeholder: str) -> None:
        """Draw a field for a part of a name."""
        field = text_field(label, placeholder=placeholder, autocomplete="off", spellcheck="false")
        set_props(field.control, debounce=_TYPING, maxlength=100)
        with field.control.add_slot("prepend"):
            icon("search")
        self._add(name, field)

    def choice(self, name: str, label: str, options: Mapping[str, str], default: str = "", *, names: bool) -> None:
        """Draw a field with choices; with `names` their texts are data of any length."""
        field = choice_field(label, options, default)
        if names:
            field.control.add_slot("selected-item", cells.CHOSEN)
        self._first[name] = {value: words for value, words in options.items() if not value}
        self._add(name, field)

    def day(self, name: str, label: str, first: str, last: str) -> None:
        """Draw a field for a day; nothing is written there while a person types in it or while it is invalid."""
        field = text_field(label, kind="date", min=first, max=last)
        set_props(field.control, debounce=_TYPING_A_DAY)
        field.control.on("focus", lambda: self._focus(name), args=[])
        field.control.on("blur", lambda: self._focus(None), args=[])
        self._days.add(name)
        self._add(name, field)

    def offer(self, name: str, values: Iterable[str] | Mapping[str, str]) -> None:
        """Offer other values below the first choice, and the chosen ones even if they are not among them.

        A mapping has the texts of the values.
        """
        control = self._fields[name].control
        if not isinstance(control, ui.select):
            return
        words: dict[str, str] = (
            dict(values) if isinstance(values, Mapping) else {value: value for value in sorted({*values} - {""})}
        )
        chosen = sorted({self._texts.get(name, ""), self._typed[name]} - {"", *words})
        options = self._first[name] | words | {value: value for value in chosen}
        if options != control.options:
            control.set_options(options)

    def show(self, wanted: AnyWanted, texts: Mapping[str, str], chips: Sequence[Chip]) -> None:
        """Show a filter: the texts of its fields and segments, and a chip for each choice without a field."""
        self._wanted = wanted
        self.show_texts(texts)
        self._show_marks()
        self._show_chips(chips)

    def show_texts(self, texts: Mapping[str, str]) -> None:
        """Write other texts into the fields."""
        self._texts.update(texts)
        for name in self._fields.keys() & texts.keys():
            if name not in self._days or (name != self._focused and name not in self._refused):
                self._write(name, texts[name])

    async def _enter(self, name: str, text: str) -> None:
        """Use the entered texts; an invalid one changes nothing, and the reason is shown beside its field."""
        kept = _without(self._wanted.params(), *self._replaces.get(name, ()))
        try:
            wanted = self._parse({**kept, name: text.strip()})
        except InvalidFilter as error:
            self._fields[name].refuse(say(error.sentence), focus=False)
            self._refused.add(name)
            self._reset.enable()
            return
        await self._change(wanted)

    def _add(self, name: str, field: AnyField) -> None:
        self._fields[name] = field
        self._typed[name] = field.text
        field.element.classes("f-more").props["data-testid"] = f"filter-{name}"
        field.control.on_value_change(lambda event: self._take(name, event.value))

    def _take(self, name: str, value: object) -> Awaitable[None] | None:
        """Use a text that a person typed or chose; ignore the event of a text that was written by the server."""
        if self._is_writing:
            return None
        self._typed[name] = value if isinstance(value, str) else ""
        self._refused.discard(name)
        return self._enter(name, self._typed[name])

    def _write(self, name: str, text: str) -> None:
        """Write a text into a field, unless the field has it already, also with spaces around it."""
        if self._typed[name].strip() == text:
            return
        self._typed[name] = text
        self._is_writing = True
        control = self._fields[name].control
        if isinstance(control, ui.select) and text not in control.options:
            self.offer(name, filter(None, control.options))
        self._fields[name].fill(text)
        self._is_writing = False

    def _focus(self, name: str | None) -> None:
        self._focused = name
        self.show_texts(self._texts)

    async def _drop(self, *names: str) -> None:
        await self._change(self._parse(_without(self._wanted.params(), *names)))

    async def _reset_all(self) -> None:
        for field in self._fields.values():
            field.accept()
        self._refused.clear()
        self._focused = None
        await self._change(self._plain(self._wanted))
        self.show_texts(self._texts)
        self._show_marks()

    def _show_marks(self) -> None:
        chosen = self._wanted.params()
        for name, field in self._fields.items():
            field.element.classes(add="is-set" if name in chosen else "", remove="" if name in chosen else "is-set")
        count = len(self._fields.keys() & chosen.keys())
        self._count.show(str(count))
        self._count.set_visibility(count > 0)
        for (name, value), segment in self._segments.items():
            set_props(segment, aria_pressed="true" if self._texts.get(name) == value else "false")
        self._reset.set_enabled(self._wanted != self._plain(self._wanted) or bool(self._refused))

    def _show_chips(self, chips: Sequence[Chip]) -> None:
        self._chips.clear()
        with self._chips:
            for chip in chips:
                self._draw_chip(chip)
        self._chips.set_visibility(bool(chips))

    def _draw_chip(self, chip: Chip) -> None:
        with tag("span", "mp-chip"):
            Text("span", chip.words)
            if chip.name:
                Name(chip.name)
            label = _("Remove filter: {filter}", filter=f"{chip.words} {chip.name}".rstrip())
            icon_button("x", label, lambda: self._drop(*chip.params))

    def _draw_segment(self, name: str, value: str, words: str) -> Element:
        choice = tag("button", "mp-seg__choice", words, type="button", data_testid=f"{name}-{value}")
        return choice.on("click", lambda: self._enter(name, value), args=[])


def _without(params: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: text for name, text in params.items() if name not in names}
