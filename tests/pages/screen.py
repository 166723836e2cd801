"""The elements of a page that the server has sent to the visitor's browser."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User


async def until(condition: Callable[[], Any]) -> None:
    """Run the page until a condition is true."""
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
    """Return all messages to the browser, as text, also those kept for a browser that reconnects."""
    return "\n".join(f"{element.props} {getattr(element, 'text', '')}" for element in elements(visitor))


def tagged(visitor: User, test_id: str, within: Element | None = None) -> Element:
    """Return the element with a `data-testid`."""
    candidates = within.descendants() if within else elements(visitor)
    (found,) = (element for element in candidates if element.props.get("data-testid") == test_id)
    return found


def texts(element: Element) -> list[str]:
    """Return the visible texts in an element."""
    own = element.descendants(include_self=True)
    return [e.text for e in own if isinstance(e, ui.label) and e.text and e.visible]


def control(inside: Iterable[Element], name: str) -> Any:
    """Return the control with a name."""
    inside = list(inside)
    (label,) = (e for e in inside if isinstance(e, ui.label) and e.tag == "label" and e.text == name)
    return labelled_by(inside, label)


def labelled_by(inside: Iterable[Element], label: Element) -> Any:
    """Return the control with a label."""
    (found,) = (e for e in inside if e.props.get("for") == label.props["for"] and e is not label)
    return found


def complaint_about(inside: Iterable[Element], control: Element) -> str:
    """Return the complaint beside a control; "" if there is none."""
    (below,) = (e for e in inside if e.html_id == control.props["aria-describedby"])
    assert isinstance(below, ui.label)
    is_bad = "mp-hint--bad" in below.classes
    assert is_bad == (control.props.get("aria-invalid") == "true")
    return str(below.text) if is_bad else ""
