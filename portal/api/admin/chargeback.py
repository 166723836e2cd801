"""The monthly report for chargeback, as JSON and as a file."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from portal.api.access import Reading
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import export_route
from portal.api.admin.organisation import READ, UsageSums
from portal.api.errors import answers
from portal.api.exports import Streaming, file_response
from portal.clock import utc_now
from portal.errors import InvalidInput
from portal.exports.chargeback import COLUMNS, chargeback_pdf, chargeback_xlsx
from portal.rules.metering.organisation import parse_month
from portal.rules.metering.usage import InvalidFilter
from portal.rules.people.accounts import Language
from portal.rules.people.actors import Actor
from portal.rules.periods import day_of
from portal.settings import settings
from portal.views.metering.chargeback import Chargeback, load_chargeback
from portal.words.formats import Formats
from portal.words.locales import locale_of

router = admin_router("Usage")

Reader = Annotated[Actor, Depends(admin_caller(READ))]


class ReportFormat(StrEnum):
    """Format of the file."""

    XLSX = "xlsx"
    PDF = "pdf"


class MonthQuery(BaseModel):
    """Which month, in the budget time zone."""

    model_config = ConfigDict(extra="forbid")

    month: str = Field(default="", max_length=10, description="Plain: the month before this one", examples=["2026-11"])

    def first_day(self) -> date:
        """Return the first day of the month. Raises InvalidInput."""
        try:
            return parse_month(self.month, day_of(utc_now(), settings().budget_zone))
        except InvalidFilter as error:
            raise InvalidInput(f"{error.field}: {error}", error.field) from None


class ReportQuery(MonthQuery):
    """Which month, in which format, and the language of the PDF."""

    format: ReportFormat = ReportFormat.XLSX
    language: Language = Language.ENGLISH


class PersonItem(UsageSums):
    """The usage of one account while it was in the team."""

    username: str
    name: str


class TeamItem(UsageSums):
    """The usage of one team."""

    id: int = Field(description="0 is usage without a team")
    name: str | None
    cost_centre: str | None
    people: list[PersonItem]


class ChargebackAnswer(BaseModel):
    """The usage of a month; `totals` is that of the organisation."""

    month: str = Field(examples=["2026-11"])
    teams: list[TeamItem]
    totals: UsageSums


@router.get("/admin/api/usage/chargeback", responses=answers(401, 403))
def read_chargeback(session: Reading, caller: Reader, query: Annotated[MonthQuery, Query()]) -> ChargebackAnswer:
    """Return the usage of a month by team and person."""
    return _answer(load_chargeback(session, caller, query.first_day(), utc_now()))


@router.get("/admin/api/usage/chargeback/file", **export_route(READ, COLUMNS))
def export_chargeback(session: Streaming, caller: Reader, query: Annotated[ReportQuery, Query()]) -> StreamingResponse:
    """Return the usage of a month by team and person, as a spreadsheet or as PDF."""
    report = load_chargeback(session, caller, query.first_day(), utc_now())
    name = f"moe-portal-chargeback-{report.month:%Y-%m}"
    if query.format is ReportFormat.XLSX:
        return file_response(name, query.format, chargeback_xlsx(report))
    zone = settings().budget_zone
    pdf = chargeback_pdf(report, Formats(locale_of(query.language), zone, zone))
    return file_response(name, query.format, (piece for piece in (pdf,)))


def _answer(report: Chargeback) -> ChargebackAnswer:
    def people(team: Any) -> list[PersonItem]:
        return [PersonItem.of(each.figures, username=each.username, name=each.name) for each in team.people]

    return ChargebackAnswer(
        month=f"{report.month:%Y-%m}",
        teams=[
            TeamItem.of(
                team.figures,
                id=team.id,
                name=team.name or None,
                cost_centre=team.cost_centre or None,
                people=people(team),
            )
            for team in report.teams
        ],
        totals=UsageSums.of(report.totals),
    )
