"""Menus that a button opens. The first item gets the focus, arrow keys move it, Escape returns it to the button.

Decision: Quasar appends a menu to the end of the page, outside of all landmarks. So a menu is inside a region with a
name of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui
from nicegui.element import Element

from portal.pages.components.parts import set_props, tag


@contextmanager
def menu(opener: Element, name: str, place: str, *, classes: str = "", stays: bool = False) -> Iterator[None]:
    """Draw a menu that `opener` opens at a `place`, given as Quasar's props. A choice closes it unless it `stays`."""
    set_props(opener, aria_haspopup="menu")
    with opener, ui.menu().props(place).classes(f"mp-menu {classes}") as window:
        set_props(window, role="region", aria_label=name, auto_close=not stays)
        with tag("div", role="menu"):
            yield
