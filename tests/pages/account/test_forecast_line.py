"""The texts of a forecast: not more exact than an estimate, and never a time in the past."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from portal.pages.account.forecast_line import outlook_texts, used_up_texts
from portal.rules.metering.figures import Figures
from portal.rules.periods import Period
from portal.rules.spending.budgets import PeriodBudget
from portal.rules.spending.forecast import Outlook, Prospect
from portal.views.spending.budget import BudgetView
from portal.words.formats import Formats

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
BERLIN = Formats(Locale("en", "GB"), ZoneInfo("Europe/Berlin"), ZoneInfo("UTC"))
KOLKATA = replace(BERLIN, zone=ZoneInfo("Asia/Kolkata"))
GERMAN = replace(BERLIN, locale=Locale("de", "DE"))
VIEW = BudgetView(Period.DAILY, PeriodBudget(1000, 1), Figures(), None, None, None)


def at(day: int, hour: int, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "formats", "expected"),
    [
        pytest.param(at(22, 17, 59), BERLIN, "18:45", id="today, down to the quarter of an hour"),
        pytest.param(at(22, 14, 8), BERLIN, "15:05", id="not to before now"),
        pytest.param(at(22, 22, 59), BERLIN, "23:45", id="the viewer's last quarter of today"),
        pytest.param(at(22, 23), BERLIN, "Mon 00:00", id="the viewer's tomorrow"),
        pytest.param(at(26, 13, 58), BERLIN, "Thu 14:00", id="another day, down to the hour"),
        pytest.param(at(26, 13, 58), KOLKATA, "Thu 19:00", id="the hour of the viewer's zone"),
        pytest.param(at(28, 22, 59), BERLIN, "Sat 23:00", id="six days ahead"),
        pytest.param(at(28, 23), BERLIN, "29 November", id="a week ahead, when the weekday would be today's"),
        pytest.param(at(14, 9, month=12), BERLIN, "14 December", id="next month"),
        pytest.param(at(8, 9, month=1, year=2027), BERLIN, "8 January 2027", id="next year"),
        pytest.param(at(26, 13, 58), GERMAN, "Do. 14:00", id="in German"),
        pytest.param(at(14, 9, month=12), GERMAN, "14. Dezember", id="a day in German"),
    ],
)
def test_an_estimated_instant_is_no_more_exact_than_it_deserves(
    instant: datetime, formats: Formats, expected: str
) -> None:
    assert formats.coming(instant, NOW) == expected


@pytest.mark.parametrize(
    ("period", "outlook", "expected"),
    [
        pytest.param(Period.DAILY, Outlook(Prospect.ENOUGH), "Enough for today", id="a day"),
        pytest.param(Period.MONTHLY, Outlook(Prospect.ENOUGH), "Enough for this month", id="a month"),
        pytest.param(Period.TOTAL, Outlook(Prospect.ENOUGH), "Enough for more than a year", id="a total"),
        pytest.param(
            Period.MONTHLY,
            Outlook(Prospect.LASTS_UNTIL, at(26, 13), at(1, 0, month=12)),
            "Lasts until Thu 14:00 at this pace",
            id="not enough",
        ),
        pytest.param(
            Period.TOTAL, Outlook(Prospect.TOO_LITTLE_DATA), "Too little data for a forecast", id="too little data"
        ),
        pytest.param(Period.TOTAL, Outlook(Prospect.NO_LIMIT), "", id="no limit"),
        pytest.param(Period.TOTAL, Outlook(Prospect.EXHAUSTED), "", id="used up, which the card says"),
        pytest.param(Period.TOTAL, None, "", id="nobody asked"),
    ],
)
def test_where_a_budget_leads(period: Period, outlook: Outlook | None, expected: str) -> None:
    text, title = outlook_texts(replace(VIEW, period=period, outlook=outlook), NOW, BERLIN)
    assert text == expected
    assert bool(title) == bool(text)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        pytest.param(VIEW, ("", ""), id="something is left"),
        pytest.param(
            replace(VIEW, budget=PeriodBudget(0, 0), resets_at=at(23, 0)),
            ("", "Allows no tokens. Ask for more"),
            id="nothing was ever allowed, nor will be after the reset",
        ),
        pytest.param(replace(VIEW, budget=PeriodBudget(5, 5)), ("Used up", "Ask for more"), id="nobody noted when"),
        pytest.param(
            replace(VIEW, budget=PeriodBudget(5, 9), resets_at=at(23, 0), used_up_at=at(22, 9, 30)),
            ("Used up at 10:30", "Ask for more or wait"),
            id="today",
        ),
        pytest.param(
            replace(VIEW, budget=PeriodBudget(5, 9), used_up_at=at(3, 22, 59)),
            ("Used up on 3 Nov at 23:59", "Ask for more"),
            id="another day",
        ),
    ],
)
def test_a_budget_that_is_used_up_says_since_when_and_what_to_do(view: BudgetView, expected: tuple[str, str]) -> None:
    assert used_up_texts(view, NOW, BERLIN) == expected
