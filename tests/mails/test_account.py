"""Mails about an account itself, in both languages."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from portal.mails import account

LINK = "https://portal.example.org/user/reset-password?token=abc&next=/"


@pytest.mark.parametrize(
    ("language", "subject", "lasts"),
    [
        pytest.param("en", "Set a new password for MoE Portal", "works once, within 30", id="English"),
        pytest.param(
            "de", "Neues Passwort für MoE Portal festlegen", "funktioniert einmal, innerhalb von 30", id="German"
        ),
    ],
)
def test_reset_mail_has_the_link_to_click_and_to_copy(language: str, subject: str, lasts: str) -> None:
    content = account.reset_mail("Alice", language, LINK, 30)
    assert content.subject == subject
    assert f"\n{LINK}\n" in content.text
    assert content.html.count(f'href="{LINK.replace("&", "&amp;")}"') == 2
    assert lasts in content.text
    assert lasts in content.html


@pytest.mark.parametrize(
    ("language", "subject", "when"),
    [
        pytest.param(
            "en", "Your password for MoE Portal was changed", "22 November 2026 at 15:05 (Europe/Berlin)", id="English"
        ),
        pytest.param(
            "de",
            "Ihr Passwort für MoE Portal wurde geändert",
            "22. November 2026 um 15:05\u00a0Uhr (Europe/Berlin)",
            id="German",
        ),
    ],
)
def test_password_mail_has_the_time_in_the_accounts_zone(language: str, subject: str, when: str) -> None:
    at = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
    content = account.password_changed_mail("Alice", language, at, ZoneInfo("Europe/Berlin"))
    assert content.subject == subject
    assert when in content.text
    assert when in content.html


@pytest.mark.parametrize(
    ("language", "subject"), [("en", "Test mail from MoE Portal"), ("de", "Testmail von MoE Portal")]
)
def test_test_mail_links_to_billing(language: str, subject: str) -> None:
    content = account.test_mail("Alice", language, "https://portal.example.org/")
    assert content.subject == subject
    assert "https://portal.example.org/user/billing\n" in content.text
    assert 'href="https://portal.example.org/user/billing"' in content.html


@pytest.mark.parametrize(
    ("language", "subject", "when"),
    [
        ("en", "The address of your MoE Portal account was changed", "22 November 2026 at 15:05 (Europe/Berlin)"),
        (
            "de",
            "Die Adresse Ihres Kontos bei MoE Portal wurde geändert",
            "22. November 2026 um 15:05\u00a0Uhr (Europe/Berlin)",
        ),
    ],
)
def test_mail_about_a_new_address_has_its_time(language: str, subject: str, when: str) -> None:
    at = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
    content = account.email_changed_mail("Alice", language, at, ZoneInfo("Europe/Berlin"))
    assert content.subject == subject
    assert when in content.text
    assert when in content.html
