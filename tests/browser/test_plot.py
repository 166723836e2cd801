"""The chart in a real browser: its library, clicks, themes and narrow windows."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from portal.pages.components.assets import static
from tests.browser.conftest import Portal
from tests.browser.places import PAGES, address

Visit = Callable[..., Page]
BARS = ".js-plotly-plot .trace:first-child .point path"


def test_pages_load_no_other_library_for_charts(portal: Portal, visit: Visit) -> None:
    person = portal.person("nora", role="admin")
    portal.put_in_charge(person)
    portal.report(person)
    page = visit(person, "/user/keys")
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url.removeprefix(portal.url)))
    for route in PAGES:
        page.goto(portal.url + address(route))
        page.wait_for_function("() => window.did_handshake === true")
        assert "/esm/" not in page.content()
        if route == "/user/dashboard":
            expect(page.locator(BARS)).to_have_count(14)
            assert page.evaluate("Plotly.version") == "3.7.0"
    assert {url for url in asked if "plotly" in url} == {static("plotly/plotly-basic.min.js")}
    assert [url for url in asked if "/esm/" in url] == []


def test_bar_shows_its_figures_and_leads_to_its_requests(portal: Portal, visit: Visit) -> None:
    person = portal.person("hovard")
    portal.report(person)
    page = visit(person, "/user/dashboard")
    bar = page.locator(BARS).last
    expect(bar).to_be_visible()
    bar.hover(force=True)  # Plotly's own layer for the mouse is in front of the bars
    expect(page.locator(".js-plotly-plot .hovertext")).to_contain_text("1,200 billable tokens")
    bar.click(force=True)
    expect(page).to_have_url(re.compile(r"/user/usage\?budget_from=(\S+)&budget_to=\1$"))


def test_chart_fits_a_window_that_becomes_narrow(portal: Portal, visit: Visit) -> None:
    person = portal.person("nils")
    portal.report(person)
    page = visit(person, "/user/dashboard")
    expect(page.locator(BARS)).to_have_count(14)
    drawing, card = (page.locator(f"[data-testid=usage-chart] {part}") for part in (".main-svg >> nth=0", ".mp-plot"))
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_function(
        "([drawing, card]) => Math.abs(drawing.getBoundingClientRect().width - card.clientWidth) <= 1",
        arg=[drawing.element_handle(), card.element_handle()],
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 390
