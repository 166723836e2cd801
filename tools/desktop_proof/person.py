"""What a person does in the window, and what their programs report."""

import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
from playwright.sync_api import Browser, Page, expect

from tools.desktop_proof.home import Home
from tools.desktop_proof.screen import PATIENCE

NOTE = "Written in the window."


@contextmanager
def attached(home: Home, connect: Callable[[str], Browser]) -> Iterator[Page]:
    """Give the page in the window; afterwards the window is left as it is."""
    browser = connect(home.devtools())
    page = browser.contexts[0].pages[0]
    page.set_default_timeout(PATIENCE * 1000)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE * 1000)
    yield page
    browser.close()


def go_to(page: Page, name: str) -> None:
    """Open a page of the menu, which is behind a button in a narrow window."""
    link = page.get_by_role("link", name=name, exact=True).first
    if not link.is_visible():
        page.get_by_role("button", name="Open menu").click()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def report(page: Page, address: str) -> str:
    """Run the snippet for curl of the page Connect; return its token."""
    go_to(page, "Connect")
    card = page.get_by_test_id("connect-curl")
    card.get_by_role("button", name="Connect", exact=False).first.click()
    snippet = card.locator("pre, code").filter(has_text="curl ").first.inner_text()
    assert address in snippet, snippet
    done = subprocess.run(["sh", "-c", snippet], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, "accepted" in done.stdout) == (0, True), done
    expect(card).to_have_attribute("data-state", "connected", timeout=PATIENCE * 1000)
    found = re.search(r"moe-gw-[0-9a-f]{48}", snippet)
    assert found, snippet
    return found[0]


def send(address: str, token: str, model: str, **changes: object) -> None:
    """Report one request; return when it is acknowledged."""
    event = {"id": f"{model}-{time.monotonic_ns()}", "model": model, "mode": "native", "prompt_tokens": 1} | changes
    answer = httpx.post(
        f"{address}/api/v1/usage",
        headers={"Authorization": f"Bearer {token}"},
        json={"completion_tokens": 1} | event,
        timeout=PATIENCE,
    )
    assert answer.json()["accepted"] == 1, answer.text


def fill(address: str, token: str) -> None:
    """Report two weeks of requests, for a picture."""
    chance = random.Random(11)
    for hours in range(1, 14 * 24, 3):
        model = chance.choice(["qwen3:8b", "llama3.3:70b", "gemma3:27b", "qwen3-coder:30b"])
        when = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
        send(address, token, model, requested_at=when, prompt_tokens=chance.randint(200, 9000),
             completion_tokens=chance.randint(50, 2500))  # fmt: skip


def see_figure(page: Page, tokens: int) -> None:
    """Find all reported tokens on the dashboard."""
    go_to(page, "Dashboard")
    expect(page.get_by_text(f"{tokens:,}", exact=True).first).to_be_visible(timeout=PATIENCE * 1000)


def write_note(page: Page) -> None:
    """Write a note on the request, as a person does."""
    go_to(page, "Usage History")
    page.get_by_test_id("usage-table").locator("tbody tr").first.get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note text").press_sequentially(NOTE)
    dialog.get_by_label("Note text").press("Control+Enter")
    expect(dialog).to_be_hidden()


def see_note(page: Page) -> None:
    """Find the note in the list."""
    go_to(page, "Usage History")
    expect(page.get_by_role("img", name="Has a note")).to_be_visible()
