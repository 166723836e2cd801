"""The files that the server gives away, and how long browsers keep them."""

import re

import pytest
from starlette.testclient import TestClient


def test_file_is_cached_under_the_address_with_its_digest(browser: TestClient) -> None:
    (versioned,) = re.findall(r'href="(/static/portal\.css\?v=\w+)"', browser.get("/user/login").text)
    assert browser.get(versioned).headers["cache-control"] == "public, max-age=31536000, immutable"
    for other in ("/static/portal.css", "/static/portal.css?v=000000000000"):
        assert browser.get(other).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/static/../clock.py", "/static/%2e%2e/clock.py", "/static/none.css", "/static/"])
def test_no_other_file_is_given_away(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, "Page not found" in answer.text) == (404, True)


def test_there_is_an_icon(browser: TestClient) -> None:
    assert browser.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_the_bare_address_leads_to_the_dashboard(browser: TestClient) -> None:
    answer = browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/user/dashboard")


def test_large_answers_are_compressed(browser: TestClient) -> None:
    assert browser.get("/static/portal.css").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in browser.get("/healthz").headers
