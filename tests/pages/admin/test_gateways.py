"""The pages of gateways are for administrators only, and show a token once."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from nicegui import app, ui
from nicegui.element import Element
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction
from starlette.testclient import TestClient

from portal.actions.metering.gateways import create_gateway
from portal.actions.metering.reports import store_reports
from portal.actions.people.accounts import set_active
from portal.db.metering.gateways import all_gateways, gateway_with_token, tokens_of
from portal.db.tables import Account
from portal.errors import Forbidden
from portal.pages.admin import connect
from portal.pages.components import live
from portal.pages.components.table import DataTable
from portal.pages.navigation import MENU
from portal.rules.metering.reporters import Reporter
from portal.rules.metering.usage import Rejected, UsageReport
from portal.rules.people.accounts import Role
from portal.rules.people.secrets import digest
from portal.settings import settings
from portal.web.visitors import cookie_name
from tests.cast import NOW, OPERATOR, Gateway, acting, create_member, report, run
from tests.pages.screen import control, elements, everything, tagged, texts, until

PAGE = "/admin/gateways"
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds")


def arrives(gateway: Gateway, *entries: UsageReport | Rejected, ignored: int = 0) -> None:
    run(store_reports, Reporter(gateway.id, "native"), entries, settings().budget_zone, NOW, ignored=ignored)


def rows(visitor: User, test_id: str) -> list[dict[str, Any]]:
    found = tagged(visitor, test_id)
    assert isinstance(found, DataTable)
    return found.rows


def button(visitor: User, text: str) -> Element:
    found = [e for e in elements(visitor) if isinstance(e, ui.button) and e.text == text]
    return found[-1]


def click(visitor: User, element: Element) -> None:
    UserInteraction(visitor, {element}, None).click()


def copied(visitor: User) -> str:
    """Return the text of the snippets."""
    return "\n".join(e.text for e in elements(visitor) if isinstance(e, ui.label) and e.tag == "pre")


def submit(visitor: User, name: str) -> None:
    (form,) = (e for e in elements(visitor) if e.tag == "form" and e.props.get("aria-label") == name)
    UserInteraction(visitor, {form}, None).trigger("submit.prevent")


@pytest.mark.parametrize("path", ["/admin/gateways", "/admin/gateways/new", "/admin/gateways/1"])
def test_pages_are_for_administrators_only(
    browser: TestClient, alice: Account, gateway: Gateway, sign_in_as: Callable[[Account], str], path: str
) -> None:
    assert browser.get(path).headers["location"].startswith("/user/login?next=")
    browser.cookies.set(cookie_name(), sign_in_as(alice))
    refused = browser.get(path)
    assert refused.status_code == 403
    assert gateway.name not in refused.text
    assert "/admin/gateways" not in browser.get("/user/dashboard").text


@pytest.mark.parametrize("number", ["99", "0", "9223372036854775808"])
def test_missing_gateway_is_not_found(
    browser: TestClient, admin: Account, sign_in_as: Callable[[Account], str], number: str
) -> None:
    browser.cookies.set(cookie_name(), sign_in_as(admin))
    assert browser.get(f"/admin/gateways/{number}").status_code == 404


def test_missing_page_keeps_the_menu_of_the_person(
    browser: TestClient, admin: Account, alice: Account, sign_in_as: Callable[[Account], str]
) -> None:
    def menu(path: str) -> list[str]:
        answer = browser.get(path)
        assert answer.status_code == 404
        return re.findall(r'class="mp-nav__link" href="([^"]+)"', answer.text)

    own = [page.path for page in MENU if page.role is None and not page.for_managers]
    administration = [page.path for page in MENU if page.role is Role.ADMIN]
    assert menu("/user/nowhere") == []
    browser.cookies.set(cookie_name(), sign_in_as(alice))
    assert menu("/user/nowhere") == own
    browser.cookies.set(cookie_name(), sign_in_as(admin))
    assert menu("/user/nowhere") == menu("/admin/gateways/99") == [*own, *administration]


@pytest.mark.parametrize("path", ["/admin/gateways/new", "/admin/gateways/1"])
async def test_pages_below_the_list_link_back_to_it(visit, admin: Account, gateway: Gateway, path: str) -> None:
    user = await visit(admin, path)
    (way_back,) = (e for e in elements(user) if e.props.get("aria-label") == "Way back")
    (link,) = (e for e in way_back.descendants() if e.tag == "a")
    assert link.props["href"] == "/admin/gateways"


async def test_gateways_are_listed_with_reports_and_rejections(visit, admin: Account, gateway: Gateway) -> None:
    run(
        store_reports,
        Reporter(gateway.id, "native"),
        [Rejected("r-2", "There is no model.")],
        settings().budget_zone,
        NOW,
    )
    visitor = await visit(admin, "/admin/gateways")
    await until(lambda: rows(visitor, "gateways-table"))
    (row,) = rows(visitor, "gateways-table")
    assert (row["name"], row["tokens"], row["reported"], row["rejected"]) == ("moe-1", "1", "Today 14:05", "1")
    assert row["tokens_in_words"] == "1 token"
    assert row["href"] == f"/admin/gateways/{gateway.id}"


async def test_gateway_page_shows_why_events_were_rejected(visit, admin: Account, gateway: Gateway) -> None:
    arrives(gateway, Rejected("<b>r-2</b>", "There is no model."), report(username="nobody"), ignored=12)
    visitor = await visit(admin, f"/admin/gateways/{gateway.id}")
    await until(lambda: rows(visitor, "rejected-table"))
    (row,) = rows(visitor, "rejected-table")
    assert (row["example"], row["reason"], row["count"]) == ("<b>r-2</b>", "There is no model.", "1")
    shown = texts(tagged(visitor, "gateway-health"))
    assert {"12", "1", "0", "native"} <= set(shown)
    assert any("keys or names that nobody here has" in text for text in shown)


async def test_gateway_is_connected_by_copying(
    visit, admin: Account, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "LOOKS_EVERY", 0.05)
    visitor = await visit(admin, "/admin/gateways/new")
    with visitor:
        control(elements(visitor), "Name").value = "lite"
    submit(visitor, "Connect gateway")
    await until(lambda: "Bearer moe-gw-" in copied(visitor))
    token = copied(visitor).partition("Bearer ")[2][:55]
    found = run(gateway_with_token, digest(token))
    assert found is not None
    assert (found.name, found.mode) == ("lite", "native")
    light = tagged(visitor, "connection")
    assert texts(light) == ["Waiting for the first event."]
    run(store_reports, Reporter(found.id, "native"), [report()], settings().budget_zone, NOW)
    await until(lambda: "It works. The first event: qwen3:32b for alice." in texts(light))
    submit(visitor, "Connect gateway")
    assert len(run(all_gateways)) == 1


async def test_another_kind_has_other_snippets(visit, admin: Account) -> None:
    visitor = await visit(admin, "/admin/gateways/new?kind=moe-sovereign")
    assert control(elements(visitor), "Name").value == "moe-sovereign"
    submit(visitor, "Connect gateway")
    await until(lambda: "portal follow moe-sovereign" in copied(visitor))
    (made,) = run(all_gateways)
    assert run(tokens_of, made.id) == []


async def test_taken_name_is_refused_with_a_free_one(visit, admin: Account, gateway: Gateway) -> None:
    visitor = await visit(admin, "/admin/gateways/new")
    with visitor:
        control(elements(visitor), "Name").value = gateway.name
    submit(visitor, "Connect gateway")
    await visitor.should_see("There is a gateway called moe-1 already. moe-1-2 is free.")
    assert control(elements(visitor), "Name").value == "moe-1-2"
    assert copied(visitor) == ""
    submit(visitor, "Connect gateway")
    await until(lambda: copied(visitor))
    assert [each.name for each in run(all_gateways)] == ["moe-1", "moe-1-2"]


async def test_name_taken_meanwhile_is_replaced_by_a_free_one(visit, admin: Account) -> None:
    visitor = await visit(admin, "/admin/gateways/new")
    assert control(elements(visitor), "Name").value == "litellm"
    run(create_gateway, acting(admin), "litellm", NOW)
    submit(visitor, "Connect gateway")
    await visitor.should_see("There is a gateway called litellm already. litellm-2 is free.")
    assert control(elements(visitor), "Name").value == "litellm-2"


async def test_taken_name_is_suggested_for_no_kind(visit, admin: Account) -> None:
    run(create_gateway, acting(admin), "litellm", NOW)
    run(create_gateway, acting(admin), "moe-sovereign", NOW)
    visitor = await visit(admin, "/admin/gateways/new")
    assert control(elements(visitor), "Name").value == "litellm-2"
    UserInteraction(visitor, {tagged(visitor, "kind-moe-sovereign")}, None).click()
    assert control(elements(visitor), "Name").value == "moe-sovereign-2"


async def test_new_token_is_gone_once_its_dialog_is_closed(visit, admin: Account, gateway: Gateway) -> None:
    visitor = await visit(admin, f"/admin/gateways/{gateway.id}")
    await until(lambda: len(rows(visitor, "tokens-table")) == 1)
    click(visitor, button(visitor, "New token"))
    await until(lambda: "Bearer moe-gw-" in copied(visitor))
    token = copied(visitor).partition("Bearer ")[2][:55]
    assert run(gateway_with_token, digest(token)) is not None
    await until(lambda: len(rows(visitor, "tokens-table")) == 2)
    click(visitor, button(visitor, "Done"))
    await until(lambda: token not in everything(visitor))
    await live.tick()
    assert token not in everything(visitor)


async def test_token_is_revoked_after_a_question(visit, admin: Account, gateway: Gateway) -> None:
    visitor = await visit(admin, f"/admin/gateways/{gateway.id}")
    await until(lambda: rows(visitor, "tokens-table"))
    table = tagged(visitor, "tokens-table")
    UserInteraction(visitor, {table}, None).trigger("revoke", gateway.token[:16])
    await visitor.should_see("Revoke this token?")
    assert run(gateway_with_token, digest(gateway.token)) is not None
    click(visitor, button(visitor, "Revoke token"))
    await until(lambda: rows(visitor, "tokens-table")[0]["off"])
    assert run(gateway_with_token, digest(gateway.token)) is None


async def test_open_page_makes_no_token_without_rights(visit, admin: Account, gateway: Gateway) -> None:
    visitor = await visit(admin, f"/admin/gateways/{gateway.id}")
    await until(lambda: rows(visitor, "tokens-table"))
    create_member("other", role="admin")
    run(set_active, OPERATOR, admin.id, False, NOW)
    failures: list[Exception] = []
    app.on_exception(failures.append)
    click(visitor, button(visitor, "New token"))
    await until(lambda: failures)
    assert isinstance(failures[0], Forbidden)
    assert "moe-gw-" not in copied(visitor)
    assert len(run(tokens_of, gateway.id)) == 1
