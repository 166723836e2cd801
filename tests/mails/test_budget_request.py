"""The mail with the answer to a request for more tokens."""

from zoneinfo import ZoneInfo

from portal.mails import AnswerFacts, answer_mail
from portal.rules.periods import Period
from tests.cast import NOW

BERLIN = ZoneInfo("Europe/Berlin")
PORTAL = "https://portal.example.org/"


def test_approved_request_has_amount_end_and_word() -> None:
    facts = AnswerFacts(Period.MONTHLY, 5_000_000, 1_000_000, NOW, "Good luck <3")
    mail = answer_mail(facts, PORTAL, "Alice", "en", BERLIN)
    assert mail.subject == "Your request for more tokens was approved"
    for part in ("1,000,000 billable", "5,000,000 billable", "22 November 2026 at 15:05", "Good luck <3"):
        assert part in mail.text
    assert "Good luck &lt;3" in mail.html
    assert "https://portal.example.org/user/dashboard" in mail.text


def test_declined_request_has_the_word_in_the_same_form() -> None:
    mail = answer_mail(AnswerFacts(Period.DAILY, 5000, None, None, "{no}\nNext week"), "", "Alice", "de", BERLIN)
    assert mail.subject == "Ihre Anfrage nach mehr Token wurde abgelehnt"
    assert "{no}\nNext week" in mail.text
    assert "http" not in mail.text
