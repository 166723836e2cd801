"""The bytes of a mail. tests/jobs/test_outbox.py tests the answers of mail servers."""

import pytest

from portal.mails import Content
from portal.mails.delivery import compose_mail
from portal.rules.outbox import Refused
from portal.settings import Settings
from tests.cast import NOW

CONTENT = Content("Tagesbudget für Zoë zu 85 % verbraucht", "Grüße\n.\nEnde", "<p>" + "ü" * 2000 + "</p>")
SETTINGS = Settings(
    base_url="https://portal.example.org", smtp_host="localhost", smtp_from="MoE Portal für alle <portal@example.org>"
)


def test_lines_are_short_ascii_and_decode_to_the_text() -> None:
    mail = compose_mail(SETTINGS, "alice@example.org", CONTENT, f"<{'0' * 32}@{'a' * 80}>", NOW)
    lines = mail.as_bytes().split(b"\r\n")
    assert max(map(len, lines)) <= 130
    assert all(line.isascii() for line in lines)
    assert f"Message-ID: <{'0' * 32}@{'a' * 80}>".encode() in lines
    assert mail["Subject"] == CONTENT.subject
    text, html = mail.iter_parts()
    assert (text.get_content(), html.get_content()) == (f"{CONTENT.text}\n", f"{CONTENT.html}\n")


@pytest.mark.parametrize("recipient", ["a@b.org\r\nBcc: c@d.org", "a@b.org\nX: y"])
def test_address_with_a_line_break_is_refused(recipient: str) -> None:
    with pytest.raises(Refused, match="cannot be sent to that address"):
        compose_mail(SETTINGS, recipient, CONTENT, "<1@example.org>", NOW)


def test_subject_with_a_line_break_is_refused() -> None:
    with pytest.raises(Refused):
        compose_mail(SETTINGS, "a@b.org", CONTENT._replace(subject="a\r\nBcc: c@d.org"), "<1@example.org>", NOW)
