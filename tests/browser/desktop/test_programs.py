"""Connect, the page of the desktop program: a person connects a program, and its first usage turns the light green."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE
from tests.browser.places import DESKTOP_WINDOWS, go, settle
from tests.browser.test_targets import TARGETS
from tests.desktop.process import Desktop, start_desktop


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    running = start_desktop(tmp_path_factory.mktemp("desktop"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def page(desktop: Desktop, chromium: Browser) -> Iterator[Page]:
    """The window of the program, at the page Connect."""
    context = chromium.new_context(viewport={"width": WIDE, "height": 900}, reduced_motion="reduce", locale="en-US")
    context.set_default_timeout(8000)
    context.add_init_script(path=TARGETS)
    opened = context.new_page()
    opened.goto(Path(desktop.process.wait_for(r"ticket (\S+)")).as_uri())
    opened.wait_for_url("**/user/dashboard")
    go(opened, f"{desktop.url}/user/connect")
    yield opened
    context.close()


def faults(page: Page) -> list[str]:
    """Return the faults of an open page: by axe in both themes and widths, too wide, too small for a finger."""
    found = []
    for width in (WIDE, PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        found += violations(page)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"wider than {width}")
    found += page.evaluate("small()")
    page.set_viewport_size({"width": WIDE, "height": 900})
    settle(page)
    return found


def connect(page: Page, program: str) -> Locator:
    """Open the steps of a program, which is connected first if it is not; return its card. Tests run in any order."""
    card = page.get_by_test_id(f"connect-{program}")
    state = page.get_by_test_id(f"connect-state-{program}")
    expect(state).to_have_attribute("data-state", re.compile("."))
    if state.get_attribute("data-state") == "off":
        card.get_by_role("button", name="Connect").click()
        expect(card.get_by_test_id("connect-token")).to_be_visible()
    elif card.get_by_role("button", name="Show steps").is_visible():
        card.get_by_role("button", name="Show steps").click()
    expect(card.get_by_role("button", name="New token")).to_be_visible()
    return card


def test_page_shows_its_programs(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Connect")
    assert faults(page) == []


def test_first_usage_turns_green_and_its_count_leads_to_it(page: Page, desktop: Desktop) -> None:
    card = page.get_by_test_id("connect-curl")
    card.get_by_role("button", name="Connect curl").click()
    expect(page.get_by_test_id("connect-state-curl")).to_have_attribute("data-state", "waiting")
    address, token = page.get_by_test_id("connect-address"), page.get_by_test_id("connect-token")
    expect(address).to_have_text(desktop.url)
    assert faults(page) == []
    event = {"id": "r-1", "model": "qwen3:8b", "usage": {"prompt_tokens": 12, "completion_tokens": 3}}
    headers = {"Authorization": f"Bearer {token.inner_text()}"}
    assert httpx.post(f"{address.inner_text()}/api/v1/usage/openai", json=event, headers=headers).is_success
    expect(page.get_by_test_id("connect-state-curl")).to_have_attribute("data-state", "connected")
    expect(page.get_by_role("status").get_by_text("curl: First usage")).to_be_attached()
    assert faults(page) == []
    page.get_by_test_id("connect-state-curl").get_by_role("link", name="1 request today").click()
    page.wait_for_function("() => window.did_handshake === true")
    settle(page)
    expect(page.get_by_test_id("usage-table").locator("tbody tr")).to_have_count(1)
    go(page, f"{desktop.url}/user/connect")


@pytest.mark.parametrize("program", ["ollama", "litellm", "open-webui", "continue", "opentelemetry"])
def test_steps_of_a_program_fit_and_can_be_read(page: Page, program: str) -> None:
    connect(page, program)
    assert faults(page) == []


def test_helper_is_saved_under_its_name(page: Page) -> None:
    card = connect(page, "ollama")
    with page.expect_download() as download:
        card.get_by_role("link", name="Save portal_usage.py").click()
    assert download.value.suggested_filename == "portal_usage.py"
    assert "def report" in download.value.path().read_text(encoding="utf-8")


def test_question_before_a_new_token_has_no_violation(page: Page) -> None:
    connect(page, "ollama")
    opened = DESKTOP_WINDOWS["programs.ProgramList"].open(page)
    expect(opened).to_contain_text("New token for Ollama?")
    assert violations(page, ".q-dialog") == []
    page.keyboard.press("Escape")
