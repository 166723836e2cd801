"""In which language a page speaks: its viewer's, in whatever is built or changed for that page.

Decision: handlers and timers do not run in the context of the request that built their page, so a context variable
cannot carry the language to them. NiceGUI knows for each task which page it draws, and the page knows its request.
"""

from copy import copy

from nicegui import Client
from nicegui.slot import Slot, get_task_id

from portal.web.visitors import language_of
from portal.words import find_language_with

_PACKS = {"de": "de"}
"""Quasar's own words for date pickers and tables, where they are not the ones of `ui.run_with`."""


def language_of_page() -> str | None:
    """Return the language of the page that the running task builds or changes; None where it does neither."""
    task = get_task_id()
    slots = Slot.stacks.get(task) if task else None  # without a task it is a thread, and nobody's page
    return language_of(slots[-1].parent.client.request) if slots else None


def speak_to(client: Client) -> None:
    """Give a page's `<html lang>` and Quasar's own words the language of its viewer."""
    pack = _PACKS.get(language_of(client.request))
    if pack is not None:
        client.page = copy(client.page)
        client.page.language = pack  # type: ignore[assignment]  # one of NiceGUI's


find_language_with(language_of_page)
