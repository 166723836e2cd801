"""Error pages, as a signed-in person sees them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from portal.pages.navigation import MENU, TEAM_REQUESTS
from portal.rules.people.accounts import Role
from tests.browser.conftest import PHONE, WIDE, Person, Portal


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_missing_page_shows_brand_sentence_and_menu(
    portal: Portal, busy: Person, visit: Callable[..., Page], width: int, scheme: str
) -> None:
    page = visit(busy, "/user/keys", width=width, scheme=scheme)
    page.goto(f"{portal.url}/user/nowhere")
    brand, sentence = page.get_by_role("link", name="MoE Portal"), page.get_by_role("heading", name="Page not found")
    links = page.get_by_role("navigation", name="Main").get_by_role("listitem").get_by_role("link")
    expect(links).to_have_text(
        [page.name.text for page in MENU if page.role in (None, Role.ADMIN) and page is not TEAM_REQUESTS]
    )
    tops = [top(place) for place in (brand, sentence, links.first)]
    assert tops == sorted(tops) or width == WIDE, "a phone has the bar, the sentence and the menu, in this order"
    for link in links.all():
        box = link.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] >= (44 if width == PHONE else 36)


def top(place: Locator) -> float:
    box = place.bounding_box()
    assert box is not None
    return box["y"]
