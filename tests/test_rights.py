"""Each route of the portal, asked by everybody who exists: nobody without the right sees more than a refusal."""

import re
from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from nicegui import Client
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from portal.actions.people.accounts import edit_account
from portal.actions.people.admin_tokens import create_admin_token
from portal.actions.people.keys import NewKey
from portal.db.sql.session import Database
from portal.db.tables import Account, Team, TeamManager
from portal.pages import open_pages
from portal.rules.people.accounts import Role
from portal.rules.people.admin_tokens import SCOPES, allows
from tests.api.conftest import everything
from tests.cast import NOW, OPERATOR, Gateway, create_member, new_team, report, run, send
from tests.portals import HERE
from tests.rights import RIGHTS, Who, json_routes, page_routes
from tests.sockets import Visitor

PEOPLE = ("user", "expert", "manager", "administrator")
NOBODYS = 999_999
"""An id that nothing has: who may use a route is answered that it is unknown, and changes nothing."""


@dataclass(frozen=True)
class Caller:
    """Somebody who sends requests: the headers that prove who it is, and the rows of RIGHTS that allow it."""

    headers: dict[str, str]
    groups: Set[str]


Callers = dict[str, Callable[[str], Caller]]
"""By name: a function that returns the caller for a route."""


def test_every_route_has_a_row() -> None:
    assert set(RIGHTS) == page_routes() | json_routes()


@pytest.fixture
def callers(
    admin: Account, alice: Account, alices_key: NewKey, gateway: Gateway, sign_in_as: Callable[[Account], str]
) -> Callers:
    """Alice owns whatever has the id 1; everybody else has nothing, the manager a team."""
    send(gateway, report(model="model-of-alice"))
    people = {name: create_member(name) for name in ("user", "expert", "manager", "suspended")}
    run(_give_roles, people)
    cookies = {name: sign_in_as(account) for name, account in (people | {"administrator": admin}).items()}
    run(_suspend, people["suspended"].id)

    def signed_in(name: str, *groups: str) -> Caller:
        return Caller({"Cookie": f"portal_session={cookies[name]}"}, {Who.ANYONE, *groups})

    def bearer(secret: str, *groups: str) -> Caller:
        return Caller({"Authorization": f"Bearer {secret}"}, {Who.ANYONE, *groups})

    def admin_token(route: str, *, with_scope: bool) -> Caller:
        wanted = RIGHTS[route]
        scopes = [scope for scope in SCOPES if (scope == wanted if with_scope else not allows([scope], wanted))]
        new = run(create_admin_token, OPERATOR, admin.id, "Test", scopes or ["audit:read"], None, NOW)
        return bearer(new.secret, *(SCOPES if with_scope else ()))

    people_may = {
        "suspended": (),
        **dict.fromkeys(("user", "expert"), (Who.PEOPLE,)),
        "manager": (Who.PEOPLE, Who.MANAGERS),
        "administrator": (Who.PEOPLE, Who.ADMINISTRATORS, *SCOPES),
    }
    return {
        **{name: partial(_always, signed_in(name, *groups)) for name, groups in people_may.items()},
        "nobody": partial(_always, Caller({}, {Who.ANYONE})),
        "gateway": partial(_always, bearer(gateway.token, Who.GATEWAYS, Who.PROGRAMS)),
        "key": partial(_always, bearer(alices_key.secret, Who.KEYS, Who.PROGRAMS)),
        "token with the scope": partial(admin_token, with_scope=True),
        "token without the scope": partial(admin_token, with_scope=False),
    }


def _always(caller: Caller, _: str) -> Caller:
    return caller


def _give_roles(session: Session, people: dict[str, Account]) -> None:
    session.get_one(Account, people["expert"].id).role = Role.EXPERT
    team = Team(name="Team", cost_centre="", created_at=NOW)
    session.add(team)
    session.flush()
    session.add(TeamManager(team_id=team.id, account_id=people["manager"].id))


def _suspend(session: Session, account_id: int) -> None:
    session.get_one(Account, account_id).active = False  # its session stays, as after a change by hand


def ask(browser: TestClient, route: str, caller: Caller, row_id: int) -> tuple[int, str]:
    """Send a request, with an empty JSON object where there is a body; return the status and the text of the answer."""
    method, _, template = route.partition(" ")
    path = re.sub(r"\{\w+\}", str(row_id), template)
    browser.cookies.clear()
    body: dict[str, Any] = {} if method in {"GET", "DELETE"} or is_form(path) else {"json": {}}
    answer = browser.request(method, path, headers=caller.headers | {"Origin": HERE}, **body)
    return answer.status_code, answer.text + answer.headers.get("location", "")


def is_form(path: str) -> bool:
    """Return whether a path is that of a form, not of JSON."""
    return path.startswith("/user/") and not path.startswith(("/user/api/", "/user/alerts"))


def is_refusal(route: str, status: int, text: str) -> bool:
    """Return whether an answer says no more than no: an error, or for pages the way to the sign-in."""
    if "alice" in text.lower():
        return False
    return status in {401, 403, 404} or (status == 303 and text.startswith("/user/login") and "/api/" not in route)


@pytest.mark.parametrize(
    "name",
    ["nobody", "suspended", "gateway", "key", "token with the scope", "token without the scope", *PEOPLE],
)
def test_routes_answer_those_who_have_the_right(name: str, callers: Callers, browser: TestClient, db: Database) -> None:
    askers = {route: callers[name](route) for route in RIGHTS}
    refused = [route for route, who in RIGHTS.items() if who not in askers[route].groups]
    before = everything(db)
    answers = {route: ask(browser, route, askers[route], 1) for route in refused}
    assert [(route, *answer) for route, answer in answers.items() if not is_refusal(route, *answer)] == []
    after = everything(db)
    assert [table for table in before if before[table] != after[table]] == []

    allowed = [route for route in RIGHTS if route not in answers and route != "POST /user/logout"]
    statuses = {route: ask(browser, route, askers[route], NOBODYS)[0] for route in allowed}
    wrong = {route: status for route, status in statuses.items() if status in {401, 403} or status >= 500}
    assert wrong == {}


@pytest.mark.parametrize("name", PEOPLE)
def test_nobody_reaches_what_another_person_owns(
    name: str, callers: Callers, browser: TestClient, db: Database
) -> None:
    owned = [route for route, who in RIGHTS.items() if who is Who.PEOPLE and "{" in route]
    before = everything(db)
    answers = {route: ask(browser, route, callers[name](route), 1) for route in owned}
    assert [(route, *answer) for route, answer in answers.items() if answer[0] not in {404, 422}] == []
    assert everything(db) == before


@pytest.mark.parametrize("route", [route for route, who in RIGHTS.items() if who is Who.ADMINISTRATORS])
def test_an_open_page_of_administration_ends_with_the_role(
    route: str, browser: TestClient, admin: Account, gateway: Gateway, sign_in_as: Callable[[Account], str]
) -> None:
    create_member("other", role="admin")
    new_team("Team")
    visitor = Visitor(browser, sign_in_as(admin))
    page_id = visitor.open(re.sub(r"\{\w+\}", "1", route.partition(" ")[2]))
    assert visitor.knocks()
    run(edit_account, OPERATOR, admin.id, NOW, role=Role.USER)
    assert browser.portal is not None
    browser.portal.call(open_pages.recheck)
    assert page_id not in Client.instances
    assert not visitor.knocks()
