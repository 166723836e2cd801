"""`places.py` has an entry for every page, dialog and menu."""

from portal import pages
from tests.browser.places import (
    DESKTOP_PAGES,
    DESKTOP_WINDOWS,
    FORMS,
    PAGES,
    WINDOWS,
    modules_with,
    routes,
    windows_in_code,
)


def test_every_page_is_walked() -> None:
    assert routes(pages.server_pages()) == set(PAGES)
    assert routes(pages.DESKTOP_PAGES) - routes(pages.server_pages()) == set(DESKTOP_PAGES)
    assert routes(pages.FORMS) == set(FORMS)


def test_every_dialog_and_menu_is_walked() -> None:
    assert windows_in_code() == {*WINDOWS, *DESKTOP_WINDOWS}


def test_one_module_creates_all_dialogs_and_one_all_menus() -> None:
    assert modules_with("ui.dialog(") == {"dialogs.py"}
    assert modules_with("ui.menu(") == {"menus.py"}
