"""The rows that were chosen when a dialog opened, and where the result of their change is shown."""

from collections.abc import Awaitable, Callable, Collection

from nicegui.element import Element

from portal.pages.components.bulk.progress import BulkProgress
from portal.pages.components.inputs.fields import Notice
from portal.rules.lists import ListFilter
from portal.views.people.accounts import Viewer


class ChosenRows:
    """A choice of rows; a subclass changes them. `ids` is None for all that match the filter `wanted`."""

    def __init__(
        self, viewer: Viewer, notice: Notice, after: Callable[[Collection[int]], Awaitable[None]], home: Element
    ) -> None:
        """Show results in `notice`; `after` gets the ids of rows that were not changed."""
        self.viewer = viewer
        self.ids: list[int] | None = None
        self.count = 0
        self.wanted = ListFilter()
        self._after = after
        self._progress = BulkProgress(notice, home=home)

    def choose(self, ids: list[int] | None, count: int, wanted: ListFilter) -> None:
        """Take `count` rows with these ids, or without ids all that match a filter."""
        self.ids, self.count, self.wanted = ids, count, wanted
