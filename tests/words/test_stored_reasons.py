"""Sentences that are stored in English are shown in the reader's language."""

import pytest

from portal.db import outbox
from portal.words import say
from portal.words.stored_reasons import stored_sentence


@pytest.mark.parametrize(
    ("stored", "german"),
    [
        (outbox.NOT_SET_UP, "Der Mailversand ist nicht eingerichtet."),
        (outbox.NO_ADDRESS, "Das Konto hat keine E-Mail-Adresse."),
        (outbox.TOO_MANY, "Mehr als 20 Mails an einem Tag."),
        (outbox.TOO_MANY_LINKS, "Mehr als 10 Links für vergessene Passwörter an einem Tag."),
        (
            "Given up: it is too old by now. The mail server cannot be reached: none of its addresses answers.",
            "Aufgegeben: Die Mail ist inzwischen zu alt. "
            "Der Mailserver ist nicht erreichbar: keine seiner Adressen antwortet.",
        ),
        ("550 No such user here", "550 No such user here"),
    ],
)
def test_stored_sentence_is_written_in_german(stored: str, german: str) -> None:
    assert say(stored_sentence(stored), "de") == german
    assert str(stored_sentence(stored)) == say(stored_sentence(stored), "en") == stored
