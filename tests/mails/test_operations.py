"""Notifications of administrators lead to pages that exist."""

import pytest

from portal.mails import operations
from portal.mails.content import Letter
from portal.pages.navigation import MENU

BASE = "https://portal.example.org"
LETTERS = {
    "verification": operations.verification_letter(2, BASE),
    "silent": operations.silent_letter("moe-1", "14:05", BASE),
    "unpriced": operations.unpriced_letter(1, BASE),
    "held": operations.held_letter(3, BASE),
    "given up": operations.given_up_letter(1, BASE),
    "test": operations.channel_test_letter(BASE),
}


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
def test_button_opens_a_page_of_the_menu(letter: Letter) -> None:
    assert letter.link.removeprefix(BASE) in {page.path for page in MENU}
