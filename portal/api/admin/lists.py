"""Common parts of lists of administration: their parameters, their answers and their exports.

A list has a `ListQuery` with its choices, a route that returns a `ListAnswer`, and a route that returns a file;
`api.admin.accounts` is the example. The route of the export comes before routes with an id in the same place.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from portal.api.admin.access import admin_caller
from portal.api.bodies import Digits
from portal.api.errors import answers
from portal.api.exports import TableFormat, WithMark, export_slot, file_answers, file_response, table_chunks
from portal.errors import InvalidInput
from portal.rules.lists import LONGEST_SEARCH, ListFilter, ListRules
from portal.rules.metering.usage import InvalidFilter
from portal.rules.people.actors import Actor
from portal.rules.periods import Period, day_of
from portal.rules.spending.budgets import PeriodBudget
from portal.settings import settings
from portal.views.lists import MOST_ROWS, ListView

Item = TypeVar("Item")
Row = TypeVar("Row")

_NOT_FILTERS = {"limit", "cursor", "format", "bom"}


class ListQuery(BaseModel):
    """The search and the order of a list; a subclass has the choices. An empty value counts as absent."""

    model_config = ConfigDict(extra="forbid")

    search: str = Field(default="", max_length=LONGEST_SEARCH, description="Part of a text, in upper or lower case")
    sort: str = Field(default="", description="Name of a column; `-` before it means descending")

    def filter(self, rules: ListRules) -> ListFilter:
        """Return the filter. Raises InvalidInput."""
        try:
            return rules.parse(self.model_dump(by_alias=True, exclude=_NOT_FILTERS))
        except InvalidFilter as error:
            raise InvalidInput(f"{error.field}: {error}", error.field) from None


class ListAnswer(BaseModel, Generic[Item]):
    """One page of a list, and the number of all rows that match the filter."""

    items: list[Item]
    next_cursor: str | None = Field(description="Cursor of the next page; null on the last one")
    total: int


class BudgetLevel(BaseModel):
    """How full the fullest budget of an account or a team is."""

    period: str
    percent: str = Field(description="One decimal, may exceed 100", examples=["71.4"])
    level: str

    @classmethod
    def of(cls, period: Period | None, budget: PeriodBudget | None) -> Self | None:
        """Return the fullest budget as JSON; None without a limit."""
        if budget is None or period is None:
            return None
        return cls(period=period, percent=f"{budget.percent}", level=f"{budget.level}")


def list_answer(view: ListView[Row], item: Callable[[Row], Item]) -> ListAnswer[Item]:
    """Return a page of a list as JSON."""
    return ListAnswer(items=[item(row) for row in view.rows], next_cursor=view.on, total=view.total)


def export_route(scope: str, columns: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of the route of an export: `@router.get("…/export", **export_route(…))`."""
    return {
        "dependencies": [Depends(own_slot(scope))],
        "response_class": StreamingResponse,
        "responses": answers(401, 403) | file_answers(columns, TableFormat),
    }


def export_file(
    noun: str,
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    kind: TableFormat,
    bom: str,
    now: datetime,
) -> StreamingResponse:
    """Return a list as a file that is called `moe-portal-<noun>-<day>`; `title` names its sheet in XLSX."""
    name = f"moe-portal-{noun}-{day_of(now, settings().budget_zone)}"
    return file_response(name, kind, table_chunks(kind, title, columns, rows), bom=bom)


@cache
def own_slot(scope: str) -> Callable[..., Iterator[None]]:
    """Return the dependency that counts a running export of the caller. Raises Unavailable if too many run."""

    def hold_slot(caller: Annotated[Actor, Depends(admin_caller(scope))]) -> Iterator[None]:
        with export_slot(caller.account_id or 0):
            yield

    return hold_slot


class PageParameters(BaseModel):
    """The parameters of a page besides those of the list."""

    limit: Annotated[Digits, Field(ge=1, le=MOST_ROWS, description="Rows of a page")] = 50
    cursor: Annotated[str, Field(max_length=1000, description="`next_cursor` of the page before")] = ""


class ExportParameters(BaseModel):
    """The parameters of an export besides those of the list."""

    format: TableFormat = TableFormat.CSV
    bom: WithMark = "true"
