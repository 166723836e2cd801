"""The routes of reactive pages."""

from typing import Any

from nicegui import APIRouter, ui

MOST_TO_BUILD = 60.0
"""Seconds in which a page is built. After its default of 3 NiceGUI answers with an error instead of waiting."""


class PageRouter(APIRouter):
    """A router of reactive pages, which a busy machine builds slowly instead of not at all."""

    def page(self, path: str, **options: Any) -> ui.page:
        """Register the function below it as the page at a path."""
        return ui.page(path, **{"response_timeout": MOST_TO_BUILD, **options}, api_router=self)
