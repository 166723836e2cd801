"""The texts of mails, such as alerts about budgets (`crossing`), and their delivery to a mail server.

Decisions: a mail is written when it is queued, in the account's language and zone, so that its text is right even if it
arrives late. It is text and HTML from templates, without images, scripts or anything that tracks its reader. Subjects
contain no names and no figures except a percentage, since other people may see them on a screen.
"""

from portal.mails.account import (
    email_changed_mail,
    password_changed_mail,
    password_link_mail,
    reset_mail,
    test_mail,
)
from portal.mails.budget_request import AnswerFacts, answer_mail
from portal.mails.content import Content, Letter, brief, formats_of, written
from portal.mails.crossing import CrossingFacts, crossing_letter, crossing_mail

__all__ = [
    "AnswerFacts",
    "Content",
    "CrossingFacts",
    "Letter",
    "brief",
    "crossing_letter",
    "answer_mail",
    "crossing_mail",
    "email_changed_mail",
    "formats_of",
    "password_changed_mail",
    "password_link_mail",
    "reset_mail",
    "test_mail",
    "written",
]
