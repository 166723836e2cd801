"""What is on a page, as a test looks at it: the elements that the server has told the visitor's browser of."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User


async def until(condition: Callable[[], Any]) -> None:
    """Let the page go on until a condition holds."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    assert condition()


def elements(visitor: User) -> list[Element]:
    """Return all elements of the page."""
    assert visitor.client is not None
    return list(visitor.client.elements.values())


def everything(visitor: User) -> str:
    """Return all that a browser is told, also one that opens the page's connection anew."""
    return "\n".join(f"{element.props} {getattr(element, 'text', '')}" for element in elements(visitor))


def tagged(visitor: User, test_id: str, within: Element | None = None) -> Element:
    """Return the element that has a `data-testid`."""
    candidates = within.descendants() if within else elements(visitor)
    (found,) = (element for element in candidates if element.props.get("data-testid") == test_id)
    return found


def texts(element: Element) -> list[str]:
    """Return all that is written in an element, without what is hidden."""
    own = element.descendants(include_self=True)
    return [e.text for e in own if isinstance(e, ui.label) and e.text and e.visible]


def control(inside: Iterable[Element], name: str) -> Any:
    """Return the control that is called `name`."""
    inside = list(inside)
    (label,) = (e for e in inside if isinstance(e, ui.label) and e.tag == "label" and e.text == name)
    return labelled_by(inside, label)


def labelled_by(inside: Iterable[Element], label: Element) -> Any:
    """Return the control to which a label belongs."""
    (found,) = (e for e in inside if e.props.get("for") == label.props["for"] and e is not label)
    return found


def complaint_about(inside: Iterable[Element], control: Element) -> str:
    """Return what is wrong with the value of a control, as it stands beside it; nothing if nothing is."""
    (below,) = (e for e in inside if e.html_id == control.props["aria-describedby"])
    assert isinstance(below, ui.label)
    is_bad = "mp-hint--bad" in below.classes
    assert is_bad == (control.props.get("aria-invalid") == "true")
    return str(below.text) if is_bad else ""
