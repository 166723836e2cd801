"""The tests that walk through all of the portal know every page, dialog and menu of it."""

from portal import pages
from tests.browser.places import FORMS, PAGES, WINDOWS, modules_with, routes, windows_in_code


def test_every_page_is_walked() -> None:
    assert routes(pages.PAGES) == set(PAGES)
    assert routes(pages.FORMS) == set(FORMS)


def test_every_dialog_and_menu_is_walked() -> None:
    assert windows_in_code() == set(WINDOWS)


def test_all_dialogs_come_from_one_module_and_all_menus_from_another() -> None:
    assert modules_with("ui.dialog(") == {"dialogs.py"}
    assert modules_with("ui.menu(") == {"menus.py"}
