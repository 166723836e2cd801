"""Names of any length: shortened in the middle where they have no room, and shown whole when pressed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import (
    LONG_GATEWAY,
    LONG_MODE,
    LONG_MODEL,
    LONG_TEMPLATE,
    LONG_USER,
    PHONE,
    WIDE,
    Person,
    Portal,
)
from tests.browser.places import PAGES, address, go

Visit = Callable[..., Page]

LONG = [LONG_MODEL, LONG_MODE, LONG_TEMPLATE, LONG_GATEWAY, LONG_USER]
HIDDEN = """async names => {
  for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), hidden = [];
  const clips = at => getComputedStyle(at).overflowX !== "visible";
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const element = text.parentElement, name = element.closest("mp-name");
    if (!names.some(name => text.data.includes(name)) || !element.checkVisibility()) continue;
    if (name?.dataset.short && name.closest("[role=button], a[href], button, .q-field")) continue;
    const all = document.createRange();
    all.selectNodeContents(text);
    const {left, right} = all.getBoundingClientRect();
    for (let at = element; at; at = at.parentElement) {
      const box = clips(at) ? at.getBoundingClientRect() : {left: 0, right: innerWidth};
      if (left >= box.left - 1 && right <= box.right + 1) continue;
      hidden.push(`${text.data} in ${at.tagName}.${at.className}`);
      break;
    }
  }
  return hidden;
}"""
"""Names that another element than the whole-name box cuts off."""


def shown_whole(page: Page) -> Locator:
    return page.locator(".mp-whole")


def model_of(page: Page) -> Locator:
    return page.get_by_test_id("usage-table").get_by_role("button", name=LONG_MODEL, exact=True).first


@pytest.mark.parametrize("width", [WIDE, 1024, PHONE, 320])
def test_all_of_a_name_is_seen_or_can_be_shown(portal: Portal, wordy: Person, visit: Visit, width: int) -> None:
    page = visit(wordy, "/user/dashboard", width=width)
    filtered = (f"/user/usage?model={LONG_MODEL}&mode={LONG_MODE}", f"/user/usage?mode=none&token_name={LONG_USER}")
    for path in (*map(address, PAGES), *filtered):
        go(page, portal.url + path)
        assert page.evaluate(HIDDEN, LONG) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_a_name_without_room_keeps_both_of_its_ends(wordy: Person, visit: Visit) -> None:
    name = model_of(visit(wordy, "/user/usage"))
    short = name.get_attribute("data-short") or ""
    head, tail = short.split("…")
    assert len(head) > 8
    assert len(tail) > 5
    assert LONG_MODEL.startswith(head)
    assert LONG_MODEL.endswith(tail)
    drawn, room = name.evaluate("""name => {
        const canvas = new OffscreenCanvas(1, 1).getContext("2d");
        const {fontSize, fontFamily} = getComputedStyle(name);
        canvas.font = `${fontSize} ${fontFamily}`;
        return [canvas.measureText(name.dataset.short).width, name.clientWidth];
    }""")
    assert room - 24 < drawn <= room + 1, "the room is used, and not more than that"


def test_a_name_with_room_is_whole_and_no_button(wordy: Person, visit: Visit) -> None:
    table = visit(wordy, "/user/billing").get_by_test_id("model-table")
    name = table.locator(".m-model mp-name").filter(has_text="qwen3-coder:30b").first
    expect(name).to_be_visible()
    expect(name).not_to_have_attribute("role", "button")
    expect(table.locator(".m-model mp-name[data-short]").filter(has_text="qwen3-coder:30b")).to_have_count(0)


def test_a_name_is_cut_and_made_whole_as_its_room_changes(wordy: Person, visit: Visit) -> None:
    page = visit(wordy, "/user/billing")
    page.add_style_tag(content=".m-mode { display: none }")  # room for the longest model
    name = page.get_by_test_id("model-table").locator(".m-model mp-name").filter(has_text=LONG_MODEL).first
    expect(name).not_to_have_attribute("role", "button")
    page.set_viewport_size({"width": 320, "height": 800})
    expect(name).to_have_attribute("role", "button")
    page.set_viewport_size({"width": WIDE, "height": 800})
    expect(name).not_to_have_attribute("role", "button")
    expect(name).not_to_have_attribute("tabindex", "0")


def test_the_keyboard_shows_a_name_whole_and_puts_it_away(wordy: Person, visit: Visit) -> None:
    page = visit(wordy, "/user/usage")
    name = model_of(page)
    name.focus()
    page.keyboard.press("Enter")
    expect(shown_whole(page)).to_have_text(LONG_MODEL)
    expect(shown_whole(page)).to_be_in_viewport(ratio=1)
    expect(name).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(shown_whole(page)).to_have_count(0)
    expect(name).to_be_focused()
    page.keyboard.press("Space")
    expect(shown_whole(page)).to_have_text(LONG_MODEL)
    page.keyboard.press("Tab")
    expect(shown_whole(page)).to_have_count(0)
    expect(name).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize("width", [PHONE, 320])
def test_a_finger_shows_a_name_whole_and_puts_it_away(wordy: Person, visit: Visit, width: int) -> None:
    page = visit(wordy, "/user/usage", width=width)
    model_of(page).tap()
    expect(shown_whole(page)).to_have_text(LONG_MODEL)
    expect(shown_whole(page)).to_be_in_viewport(ratio=1)
    page.get_by_role("heading", level=1).tap()
    expect(shown_whole(page)).to_have_count(0)


def test_name_in_a_button_with_the_focus_is_shown_whole(wordy: Person, visit: Visit) -> None:
    page = visit(wordy, "/user/keys")
    page.get_by_role("navigation", name="Main").get_by_role("link").last.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("account-menu")).to_be_focused()
    expect(shown_whole(page)).to_have_text(LONG_USER.title())
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu").get_by_text(f"{LONG_USER}@example.org")).to_be_visible()


def test_a_copied_row_has_its_names_whole_and_once(wordy: Person, visit: Visit) -> None:
    page = visit(wordy, "/user/usage")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    model_of(page).evaluate("name => getSelection().selectAllChildren(name.closest('tr'))")
    page.keyboard.press("Control+c")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.count(LONG_MODEL) == 1
    assert copied.count(f"{LONG_USER}-laptop") == 1
    assert "…" not in copied
