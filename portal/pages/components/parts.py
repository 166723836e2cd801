"""Small elements with the classes of the stylesheet: icons, texts, buttons, levels, facts and empty places."""

from collections.abc import Callable
from typing import Any

from nicegui import ui
from nicegui.element import Element

from portal.pages.components.assets import static
from portal.rules.spending.budgets import Level, PeriodBudget
from portal.words import say
from portal.words.labels import level_label

LEVEL_ICONS = {Level.NORMAL: "ok", Level.WARNING: "warn", Level.CRITICAL: "crit", None: "inf"}


def icon_name(name: str) -> str:
    """Return the name by which Quasar finds one of our own icons."""
    return f"svguse:{static('icons.svg')}#{name}|0 0 20 20"


def icon(name: str, *, label: str | None = None) -> ui.icon:
    """Draw one of our own icons; without a label it is decoration, which screen readers skip."""
    drawn = ui.icon(icon_name(name)).classes("mp-i")
    if label is None:
        return drawn.props("aria-hidden=true")
    drawn.props["aria-label"] = label
    return drawn.props("role=img")


def tag(name: str, classes: str = "", text: str | None = None, **props: Any) -> Element:
    """Open an HTML element; `text` becomes its only content, escaped by the browser. `data_x` means `data-x`."""
    element = Text(name, text) if text is not None else ui.element(name)
    element.classes(classes)
    for prop, value in props.items():
        element.props[prop.rstrip("_").replace("_", "-")] = value
    return element


class Text(ui.label):
    """An element with only a text, which may change; it is a skeleton until it has a text."""

    def __init__(self, tag_name: str = "span", text: str | None = None, *, skeleton: int = 0) -> None:
        """Write `text`, or hold `skeleton` pixels of room for it."""
        super().__init__(text or "")
        self.tag = tag_name
        self._waits = bool(skeleton and text is None)
        if self._waits:
            self.classes("mp-skel").style(f"width: {int(skeleton)}px; height: 1em")

    def show(self, text: str, *, title: str | None = None) -> None:
        """Show a newer text."""
        if self._waits:
            self._waits = False
            self.classes(remove="mp-skel").style(replace="")
        self.set_text(text)
        if title is not None and self.props.get("title") != title:
            self.props["title"] = title
            self.update()


class LevelMark:
    """The level of a budget as an icon, a word and a colour."""

    def __init__(self) -> None:
        """Draw a skeleton until the level is known."""
        with tag("span", "mp-level") as self.element:
            self._icon = icon("inf")
            self._word = Text(skeleton=52)
        self._icon.set_visibility(False)

    def show(self, budget: PeriodBudget) -> None:
        """Show the level of a budget."""
        level = budget.level
        set_props(self.element, data_level=level.value if level else "none")
        self._icon.set_name(icon_name(LEVEL_ICONS[level]))
        self._icon.set_visibility(True)
        self._word.show(say(level_label(budget)))


class Facts:
    """A row of named figures; its columns are aligned with those of other cards."""

    def __init__(self, *names: str) -> None:
        """Draw the names with room for their values."""
        self.names: list[Text] = []
        self.values: list[Text] = []
        with ui.element("dl").classes("mp-facts"):
            for name in names:
                with ui.element("div"):
                    self.names.append(Text("dt", name))
                    self.values.append(Text("dd", skeleton=64))


def known_facts(*names: str) -> list[Text]:
    """Draw named values in a row, each as wide as its text; return the elements of the values."""
    values = []
    with tag("dl", "mp-known"):
        for name in names:
            with ui.element("div"):
                Text("dt", name)
                values.append(Text("dd", skeleton=64))
    return values


def weight_legend(text: str) -> Element:
    """Draw a sample of the weight line beside `text`, which explains the line."""
    with tag("p", "mp-legend") as legend:
        tag("span", "mp-legend__line", aria_hidden="true")
        Text("span", text)
    return legend


def set_props(element: Element, **props: Any) -> None:
    """Set properties of an element, and send them only if one has changed."""
    wanted = {name.rstrip("_").replace("_", "-"): value for name, value in props.items()}
    changed = {name: value for name, value in wanted.items() if element.props.get(name) != value}
    if changed:
        for name, value in changed.items():
            element.props[name] = value
        element.update()


def button(
    text: str, on_click: Callable[..., Any] | None = None, *, kind: str = "", icon: str | None = None
) -> ui.button:
    """Draw a button; `kind` is "", primary, ghost, danger or danger-fill."""
    drawn = ui.button(text, on_click=on_click, color=None, icon=icon_name(icon) if icon else None)
    drawn.props("unelevated no-caps").classes("mp-btn")
    return drawn.classes(f"mp-btn--{kind}") if kind else drawn


def icon_button(name: str, label: str, on_click: Callable[..., Any] | None = None) -> ui.button:
    """Draw a button that is only an icon; `label` is its name and tooltip."""
    drawn = ui.button(on_click=on_click, color=None, icon=icon_name(name)).props("flat").classes("mp-icon")
    drawn.props["aria-label"] = label
    drawn.props["title"] = label
    return drawn


def empty(icon_of: str, title: str, sentence: str, *, heading: str = "h3") -> Element:
    """Draw the message of an empty table or chart. Use it as a context that draws a button below."""
    with tag("div", "mp-empty") as place:
        icon(icon_of)
        Text(heading, title)
        Text("p", sentence)
    return place
