"""The language of a page is the one of its viewer, also in later changes of the page.

Decision: handlers and timers do not run in the context of the request that built their page, so they get no context
variable with the language. NiceGUI knows the page that each task draws, and the page has its request.
"""

from copy import copy

from nicegui import Client
from nicegui.slot import Slot, get_task_id

from portal.web.visitors import language_of
from portal.words import find_language_with

_PACKS = {"de": "de"}
"""Quasar's own texts for date pickers and tables, for languages other than the one of `ui.run_with`."""


def language_of_page() -> str | None:
    """Return the language of the page that the running task builds or changes; None if there is no such page."""
    task = get_task_id()
    slots = Slot.stacks.get(task) if task else None  # without a task it is a thread, which has no page
    return language_of(slots[-1].parent.client.request) if slots else None


def speak_to(client: Client) -> None:
    """Set the language of a page's `<html lang>` and of Quasar's own texts to its viewer's."""
    pack = _PACKS.get(language_of(client.request))
    if pack is not None:
        client.page = copy(client.page)
        client.page.language = pack  # type: ignore[assignment]  # a language of NiceGUI


find_language_with(language_of_page)
