"""A gateway and a program are connected by copying the snippet of the page; then the page says that it works."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal
from tests.browser.places import go, settle

Visit = Callable[..., Page]


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_a_gateway_is_connected_by_copying(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    admin = portal.person(f"ada-{width}", role="admin")
    page = visit(admin, "/admin/gateways", width=width, scheme=scheme)
    expect(page.get_by_test_id("gateways-table")).to_contain_text("browser-tests")
    assert violations(page) == []
    page.get_by_role("link", name="Connect gateway").click()
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_have_value("litellm")
    page.wait_for_function("() => window.did_handshake === true")  # earlier clicks are lost
    page.get_by_test_id("kind-http").click()
    expect(name).to_have_value("http")  # the suggestion has arrived, and cannot replace the text typed next
    name.fill(f"notebook-{width}")
    page.get_by_role("button", name="Create gateway").click()
    light = page.get_by_test_id("connection")
    expect(light).to_contain_text("Waiting for the first event.")
    assert violations(page) == []
    command = page.get_by_test_id("snippets").locator("pre").first.inner_text()
    assert f"{portal.url}/api/v1/usage" in command
    address, *_ = re.findall(r"http\S+", command)
    words = shlex.split(command)
    headers = dict(word.split(": ", 1) for word in words if ": " in word and not word.startswith("{"))
    payload = words[-1].replace("req-1", f"req-{width}")
    assert httpx.post(address, content=payload, headers=headers).json()["accepted"] == 1
    expect(light).to_contain_text(f"It works. The first event: qwen3:32b for ada-{width}.")
    page.get_by_role("link", name="Open the gateway’s page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"notebook-{width}")
    expect(page.get_by_test_id("gateway-health")).to_contain_text("It works")
    assert "moe-gw-" in page.content()
    assert headers["Authorization"].removeprefix("Bearer ") not in page.content()
    assert violations(page) == []


def test_why_events_are_rejected_shows_on_the_gateways_page(portal: Portal, visit: Visit) -> None:
    admin = portal.person("olga", role="admin")
    headers = {"Authorization": f"Bearer {portal.gateway_token}"}
    page = visit(admin, "/admin/gateways")
    go(page, portal.url + str(page.get_by_role("link", name="browser-tests").get_attribute("href")))
    expect(page.get_by_role("heading", level=1)).to_have_text("browser-tests")
    httpx.post(f"{portal.url}/api/v1/usage", json={"id": "<i>late</i>", "username": "olga"}, headers=headers)
    expect(page.get_by_test_id("rejected-table")).to_contain_text("<i>late</i>")
    assert violations(page) == []
    page.get_by_role("button", name="New token").click()
    expect(page.get_by_role("dialog")).to_contain_text("Bearer moe-gw-")
    settle(page)
    assert violations(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_script_is_connected_with_a_new_key(portal: Portal, visit: Visit, tmp_path: Path) -> None:
    person = portal.person("sina")
    page = visit(person, "/user/keys?create=1")
    page.get_by_role("textbox", name="Label").fill("notebook")
    page.get_by_role("dialog").get_by_role("button", name="Create key").click()
    light = page.get_by_test_id("connection")
    expect(light).to_contain_text("Waiting for the first request with this key.")
    page.get_by_test_id("kind-python").click()
    snippets = page.get_by_test_id("snippets")
    expect(snippets).to_contain_text("from portal_usage import report")
    assert violations(page) == []
    fetch, settings, call = snippets.locator("pre").all_inner_texts()
    answer = {"id": "chatcmpl-1", "model": "gpt-5-mini", "usage": {"prompt_tokens": 100, "completion_tokens": 20}}
    script = f"cat > script.py <<'END'\nresponse = {answer}\n{call}\nEND"
    _, _, name, url = shlex.split(fetch)
    (tmp_path / name).write_text(httpx.get(url).raise_for_status().text, encoding="utf-8")
    pasted = "\n".join([settings, script, f"{sys.executable} script.py"])
    subprocess.run(["bash", "-euc", pasted], cwd=tmp_path, check=True, timeout=30)
    expect(light).to_contain_text("It works: the key has been used.")
    page.get_by_role("button", name=re.compile("copied")).click()
    go(page, f"{portal.url}/user/usage")
    expect(page.get_by_test_id("usage-table")).to_contain_text("gpt-5-mini")
