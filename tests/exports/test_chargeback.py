"""The monthly report: it ties to Organisation Usage, in JSON, spreadsheet and PDF, whatever the names and numbers."""

from datetime import date, timedelta
from io import BytesIO

from openpyxl import load_workbook
from sqlalchemy import update

from portal.actions.metering.pruning import prune_account
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account, Team
from portal.exports.chargeback import chargeback_pdf, chargeback_xlsx
from portal.rules.metering.figures import Figures
from portal.rules.metering.organisation import USAGE_LIST
from portal.rules.spending.pricing import eur
from portal.settings import settings
from portal.views.metering.chargeback import Chargeback, PersonUsage, TeamUsage, load_chargeback
from portal.views.metering.organisation import load_organisation
from portal.words.formats import Formats
from portal.words.locales import locale_of
from tests.cast import NOW, OPERATOR, new_team, report, run, send
from tests.cast import Gateway as Reporter

NOVEMBER = date(2026, 11, 1)


def formats(language: str = "en") -> Formats:
    return Formats(locale_of(language), settings().budget_zone, settings().budget_zone)


def test_report_ties_to_the_usage_of_the_month(alice: Account, bob: Account, gateway: Reporter) -> None:
    red = new_team("Red", alice)
    run(lambda session: session.execute(update(Team).where(Team.id == red).values(cost_centre="4711")))
    send(gateway, *(report(f"a-{n}", requested_at=NOW - timedelta(days=n)) for n in range(40)))
    send(gateway, report("b", username="bob"), report("no", username="bob", requested_at=NOW - timedelta(days=25)))
    later = NOW + timedelta(days=2)
    assert run(prune_account, alice.id, NOW.date() - timedelta(days=9), settings().budget_zone, later)
    found = run_in_reading(load_chargeback, OPERATOR, NOVEMBER, NOW)
    assert [(team.name, team.cost_centre, team.figures.requests) for team in found.teams] == [
        ("Red", "4711", 22),
        ("", "", 1),
    ]
    wanted = USAGE_LIST.parse({"from": "2026-11-01", "to": "2026-11-30"})
    assert found.totals == run_in_reading(load_organisation, OPERATOR, wanted, NOW, 5).totals
    rows = [*load_workbook(BytesIO(b"".join(chargeback_xlsx(found)))).active.values]  # type: ignore[union-attr]
    kinds = {kind: [row for row in rows if row[1] == kind] for kind in ("person", "team", "total")}
    for kind in kinds.values():
        assert sum(row[9] for row in kind) == found.totals.tokens
        assert round(sum(row[10] for row in kind), 9) == round(float(eur(found.totals.cost_nano_eur)), 9)


def test_pdf_has_room_for_every_name_and_number() -> None:
    huge = Figures(*[9_223_372_036_854_775_807] * 7)
    people = [PersonUsage(1, "T" * 200, "4711", f"user-{n}", "Ω漢字 " + "long" * 60, huge) for n in range(60)]
    teams = (TeamUsage(1, "T" * 200, "4711", huge, tuple(people)), TeamUsage(0, "", "", huge, ()))
    for language in ("en", "de"):
        made = chargeback_pdf(Chargeback("Institute", NOVEMBER, NOW, teams, huge), formats(language))
        assert made.startswith(b"%PDF-")
        assert made.count(b"/Type /Page\n") > 5


def test_month_without_usage_makes_a_page(gateway: Reporter) -> None:
    found = run_in_reading(load_chargeback, OPERATOR, date(2020, 1, 1), NOW)
    assert (found.teams, found.totals) == ((), Figures())
    assert chargeback_pdf(found, formats()).count(b"/Type /Page\n") == 1
