"""Menus: what a button opens beside itself. The first item gets the focus, arrow keys move it, Escape gives it back.

Decision: Quasar hangs a menu at the end of the page, where no landmark holds it. So it is a region with a name of its
own, and the menu is inside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui
from nicegui.element import Element

from portal.pages.components.parts import set_props, tag


@contextmanager
def menu(opener: Element, name: str, place: str, *, classes: str = "", stays: bool = False) -> Iterator[None]:
    """Let `opener` open a menu at a `place` in Quasar's words, to be filled; choosing closes it unless it `stays`."""
    set_props(opener, aria_haspopup="menu")
    with opener, ui.menu().props(place).classes(f"mp-menu {classes}") as window:
        set_props(window, role="region", aria_label=name, auto_close=not stays)
        with tag("div", role="menu"):
            yield
