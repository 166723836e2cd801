"""The mail about a budget, in both languages."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.mails import Content, CrossingFacts, crossing_mail
from portal.rules.periods import EPOCH_DAY, Period
from portal.rules.spending.alerts import CrossingKind

FACTS = CrossingFacts(
    period=Period.DAILY,
    start=date(2026, 11, 23),
    kind=CrossingKind.THRESHOLD,
    consumed=1_234_500,
    limit=1_450_000,
    resets_at=datetime(2026, 11, 23, 23, tzinfo=UTC),
    display_name="Alice",
    language="en",
    zone=ZoneInfo("Europe/Berlin"),
)
TOTAL = {"period": Period.TOTAL, "start": EPOCH_DAY, "resets_at": None}


def mail(**changed: Any) -> Content:
    return crossing_mail(replace(FACTS, **changed), "https://portal.example.org/")


def words(content: Content) -> str:
    """Return the visible text of the HTML, on one line."""
    body = content.html.partition("<body")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", f"<body{body}").replace("&nbsp;", " ").split())


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        pytest.param(
            "en",
            [
                "you have used 85 % of your daily budget for 23 November 2026.",
                "Consumed: 1,234,500 billable",
                "Limit: 1,450,000 billable",
                "Remaining: 215,500 billable",
                "Resets: 24 November 2026 at 00:00 (Europe/Berlin)",
                "To switch them off, open Billing and switch off",
                "https://portal.example.org/user/billing",
            ],
            id="English",
        ),
        pytest.param(
            "de",
            [
                "Sie haben 85 % Ihres Tageskontingents für den 23. November 2026 verbraucht.",
                "Verbraucht: 1.234.500 abrechenbar",
                "Limit: 1.450.000 abrechenbar",
                "Verbleibend: 215.500 abrechenbar",
                "Zurücksetzung: 24. November 2026 um 00:00 Uhr (Europe/Berlin)",
                "Öffnen Sie",
                "https://portal.example.org/user/billing",
            ],
            id="German",
        ),
    ],
)
def test_mail_has_usage_rest_reset_and_how_to_switch_it_off(language: str, parts: list[str]) -> None:
    content = mail(language=language)
    text = " ".join(content.text.split())
    for part in parts:
        assert part in text
        assert part.replace(": ", " ") in words(content) or part in content.html


@pytest.mark.parametrize(
    ("changed", "english", "german"),
    [
        pytest.param({}, "Daily budget 85 % used", "Tageskontingent zu 85 % verbraucht", id="a day"),
        pytest.param(
            {"period": Period.MONTHLY}, "Monthly budget 85 % used", "Monatskontingent zu 85 % verbraucht", id="a month"
        ),
        pytest.param(TOTAL, "Total budget 85 % used", "Gesamtkontingent zu 85 % verbraucht", id="all"),
        pytest.param(
            {"consumed": 1_449_999}, "Daily budget 99 % used", "Tageskontingent zu 99 % verbraucht", id="not quite all"
        ),
        pytest.param(
            {"consumed": 14_500_000},
            "Daily budget 1,000 % used",
            "Tageskontingent zu 1.000 % verbraucht",
            id="far more than all",
        ),
        pytest.param(
            {"consumed": 0, "limit": 0},
            "Daily budget 100 % used",
            "Tageskontingent zu 100 % verbraucht",
            id="none to use",
        ),
        pytest.param(
            {"kind": CrossingKind.FORECAST},
            "Daily budget will probably not last",
            "Tageskontingent reicht voraussichtlich nicht",
            id="a forecast",
        ),
    ],
)
def test_subject_has_the_budget_and_its_percentage(changed: dict[str, Any], english: str, german: str) -> None:
    assert mail(**changed, language="en").subject == english
    assert mail(**changed, language="de").subject == german
    assert mail(**changed, language="fr").subject == english


def test_mail_about_a_used_up_budget_has_the_excess() -> None:
    content = mail(consumed=1_500_000)
    assert "is used up. Further requests may be refused until it resets." in content.text
    assert "0 billable (50,000 over the limit)" in content.text
    assert 'width="100%" style="height:8px' in content.html


def test_mail_about_a_total_budget_has_no_reset() -> None:
    content = mail(**TOTAL, consumed=1_450_000)
    assert "your total budget is used up. Further requests may be refused until it is raised." in content.text
    assert "Resets: never" in " ".join(content.text.split())


def test_mail_about_a_limit_of_zero_does_not_suggest_to_wait() -> None:
    assert "refused until it is raised." in mail(consumed=0, limit=0).text
    assert "abgelehnt werden, bis es erhöht wird." in mail(consumed=0, limit=0, language="de").text


def test_mail_about_a_monthly_budget_names_the_month() -> None:
    assert "monthly budget for November 2026." in mail(period=Period.MONTHLY, start=date(2026, 11, 1)).text
    assert (
        "Monatskontingents für November 2026"
        in mail(period=Period.MONTHLY, start=date(2026, 11, 1), language="de").text
    )


def test_forecast_is_written_in_the_future_tense() -> None:
    assert "will be used up before it resets" in mail(kind=CrossingKind.FORECAST).text
    assert "aufgebraucht, bevor es zurückgesetzt wird" in mail(kind=CrossingKind.FORECAST, language="de").text


def test_reset_is_in_the_accounts_zone() -> None:
    assert "23 November 2026 at 18:00 (America/New York)" in mail(zone=ZoneInfo("America/New_York")).text


@pytest.mark.parametrize("language", ["en", "de"])
def test_name_with_markup_is_escaped(language: str) -> None:
    name = "Bobby\r\nBcc: all@example.org <script>alert(1)</script> {{ 7 * 7 }} & “x”"
    content = mail(display_name=name, language=language)
    assert "\n" not in content.subject
    assert "Bobby" not in content.subject
    assert "<script" not in content.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7 * 7 }} &amp; “x”" in content.html


@pytest.mark.parametrize("language", ["en", "de"])
def test_mail_loads_nothing_and_does_not_track_its_reader(language: str) -> None:
    content = mail(language=language)
    assert re.findall(r"<(?:img|script|link|iframe)|url\(|@import|\bon\w+=", content.html) == []
    assert set(re.findall(r'https?://[^"<\s]+', content.html)) == {"https://portal.example.org/user/billing"}


def test_mail_without_the_portals_address_has_no_links() -> None:
    content = crossing_mail(FACTS, "")
    assert "http" not in content.text
    assert "href" not in content.html


def test_forecast_for_a_total_budget_says_within_a_week() -> None:
    assert "your total budget will be used up within a week." in mail(**TOTAL, kind=CrossingKind.FORECAST).text
    german = " ".join(mail(**TOTAL, kind=CrossingKind.FORECAST, language="de").text.split())
    assert "ist Ihr Gesamtkontingent in weniger als einer Woche aufgebraucht." in german
    assert "will be used up before it resets." in mail(kind=CrossingKind.FORECAST).text
