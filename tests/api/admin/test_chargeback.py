"""The monthly report as JSON and as files."""

import pytest

from portal.db.tables import Account
from tests.api.conftest import As
from tests.cast import Gateway, new_team, report, send

CHARGEBACK = "/admin/api/usage/chargeback"


def test_report_has_teams_people_and_totals(
    alice: Account, bob: Account, admin: Account, gateway: Gateway, as_: As
) -> None:
    new_team("Red", alice)
    send(gateway, report("a", prompt_tokens=980), report("b", username="bob"))
    found = as_(admin).get(CHARGEBACK, params={"month": "2026-11"}).json()
    assert [(team["name"], team["tokens"], len(team["people"])) for team in found["teams"]] == [
        ("Red", 1000, 1),
        (None, 120, 1),
    ]
    assert found["teams"][0]["people"][0]["username"] == "alice"
    assert found["totals"] == as_(admin).get("/admin/api/usage").json()["totals"]
    before = as_(admin).get(CHARGEBACK).json()
    assert (before["month"], before["teams"], before["totals"]["requests"]) == ("2026-10", [], 0)


@pytest.mark.parametrize(("kind", "start"), [("xlsx", b"PK"), ("pdf", b"%PDF")])
def test_report_is_a_file(admin: Account, as_: As, kind: str, start: bytes) -> None:
    found = as_(admin).get(f"{CHARGEBACK}/file", params={"month": "2026-11", "format": kind, "language": "de"})
    assert found.content.startswith(start)
    assert found.headers["content-disposition"] == f'attachment; filename="moe-portal-chargeback-2026-11.{kind}"'


@pytest.mark.parametrize("params", [{"month": "2026"}, {"month": "2026-13"}, {"month": "0001-01"}, {"by": "team"}])
def test_bad_months_are_refused(admin: Account, as_: As, params: dict[str, str]) -> None:
    assert as_(admin).get(CHARGEBACK, params=params).status_code == 422
