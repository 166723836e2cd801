"""Notifications of administrators lead to pages that exist."""

import pytest

from portal.mails import operations
from portal.mails.content import Letter
from portal.pages.navigation import MENU

BASE = "https://portal.example.org"
LETTERS = {
    "verification": operations.verification_letter(2, BASE),
    "silent": operations.silent_letter(7, "moe-1", "14:05", BASE),
    "unpriced": operations.unpriced_letter(1, BASE),
    "held": operations.held_letter(3, BASE),
    "given up": operations.given_up_letter(1, BASE),
    "test": operations.channel_test_letter(BASE),
}


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
def test_button_opens_a_page_of_the_menu(letter: Letter) -> None:
    path = letter.link.removeprefix(BASE).partition("#")[0].removesuffix("/7")
    assert path in {page.path for page in MENU}


def test_link_leads_to_the_part_that_needs_an_administrator() -> None:
    links = {name: letter.link.removeprefix(BASE) for name, letter in LETTERS.items()}
    assert links["verification"] == "/admin/system#verification"
    assert links["silent"] == "/admin/gateways/7"
    assert links["unpriced"] == "/admin/prices#unpriced"
    assert links["given up"] == "/admin/system#messages"
