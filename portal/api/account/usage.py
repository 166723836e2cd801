"""The requests of an account: one page of them, with the totals of all requests that match a filter."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from portal.api.access import SESSION, Reading
from portal.api.bodies import Digits, strict_router
from portal.api.errors import answers
from portal.api.figures import Sums
from portal.clock import utc_now
from portal.errors import InvalidInput
from portal.rules.metering.usage import RANGES, Counts, InvalidFilter, Order, Status, UsageFilter, parse_filter
from portal.rules.spending.pricing import eur_text
from portal.views.metering.usage import MOST_ROWS, UsageRow, UsageView, load_usage
from portal.web.visitors import SignedIn

router = strict_router("Account", dependencies=[SESSION])

_DAY: dict[str, JsonValue] = {"format": "date"}


class FilterQuery(BaseModel):
    """A filter, with the parameters of the Usage History page. An empty value counts as absent."""

    model_config = ConfigDict(extra="forbid")

    range: str = Field(default="7", description="Days up to today", json_schema_extra={"enum": [*map(str, RANGES)]})
    token_name: str = Field(default="", description="Part of an API key's label or prefix, upper or lower case")
    mode: str = ""
    status: str = Field(default="all", json_schema_extra={"enum": [*Status]})
    from_: str = Field(
        default="", alias="from", description="First day, in the account's time zone", json_schema_extra=_DAY
    )
    to: str = Field(default="", description="Last day, in the account's time zone", json_schema_extra=_DAY)
    model: str = ""
    budget_from: str = Field(default="", description="First day, in the budget time zone", json_schema_extra=_DAY)
    budget_to: str = Field(default="", description="Last day, in the budget time zone", json_schema_extra=_DAY)
    order: str = Field(default="newest", json_schema_extra={"enum": [*Order]})
    counts: str = Field(
        default="all", description="`unknown`: only requests without counts", json_schema_extra={"enum": [*Counts]}
    )

    def filter(self) -> UsageFilter:
        """Return the filter. Raises InvalidInput."""
        values = self.model_dump(by_alias=True, include=set(FilterQuery.model_fields))
        try:
            return parse_filter(values)
        except InvalidFilter as error:
            raise InvalidInput(f"{error.field}: {error}", error.field) from None


class PageQuery(FilterQuery):
    """A filter and a page."""

    limit: Digits = Field(default=50, ge=1, le=MOST_ROWS, description="Rows of a page")
    cursor: str = Field(default="", max_length=500, description="`next_cursor` of the page before")


RAW_COUNTS = {"prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"}
"""Null for a request without counts; its billable tokens are 0."""


class KeyName(BaseModel):
    """The API key that a request was made with."""

    label: str
    prefix: str


class UsageItem(BaseModel):
    """One request."""

    id: int
    requested_at: datetime
    model: str
    template: str | None
    api_key: KeyName | None = Field(description="Null where the gateway named the person instead of a key")
    mode: str
    prompt_tokens: int | None = Field(description="Null, like the other counts, where the tokens are unknown")
    completion_tokens: int | None
    total_tokens: int | None
    billable_tokens: int
    without_counts: bool = Field(
        default=False,
        exclude_if=lambda is_so: not is_so,
        description="True if the gateway reported no tokens, else absent",
    )
    cost_eur: str | None = Field(
        description="EUR, an exact decimal string; null if no price was in force at its time", examples=["0.01486"]
    )
    status: str = Field(description="`ok` or the gateway's error code")
    latency_ms: int | None
    note: str | None

    @classmethod
    def of(cls, row: UsageRow) -> Self:
        """Return a request as JSON."""
        has_key = row.key_label is not None and row.key_prefix is not None
        return cls.model_validate(
            {name: getattr(row, name) for name in cls.model_fields if name not in {"api_key", "cost_eur"}}
            | (dict.fromkeys(RAW_COUNTS & cls.model_fields.keys()) if row.without_counts else {})
            | {
                "api_key": {"label": row.key_label, "prefix": row.key_prefix} if has_key else None,
                "cost_eur": None if row.cost_nano_eur is None else eur_text(row.cost_nano_eur),
            }
        )


class UsageAnswer(BaseModel):
    """One page of requests, and the sums of all requests that match the filter."""

    items: list[UsageItem]
    next_cursor: str | None = Field(description="Cursor of the next page; null on the last one")
    totals: Sums


@router.get("/user/api/usage", responses=answers(401))
def read_usage(session: Reading, viewer: SignedIn, query: Annotated[PageQuery, Query()]) -> UsageAnswer:
    """Return one page of the account's requests."""
    return usage_answer(load_usage(session, viewer, query.filter(), utc_now(), query.limit, query.cursor or None))


def usage_answer(view: UsageView) -> UsageAnswer:
    """Return one page of requests as JSON."""
    return UsageAnswer(
        items=[UsageItem.of(row) for row in view.rows], next_cursor=view.older, totals=Sums.of(view.totals)
    )
