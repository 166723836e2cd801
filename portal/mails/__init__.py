"""What mails say, and how one is handed to a mail server.

Decisions: a mail is written when it is queued, in the account's language and zone, so that it says the same however
late it arrives. It is text and HTML from templates, without images, scripts or anything that tells who has read it.
Subjects name nobody and no figures but a percentage, since screens show them to bystanders.
"""

from portal.mails.account import email_changed_mail, password_changed_mail, reset_mail, test_mail
from portal.mails.content import Content
from portal.mails.crossing import CrossingFacts, crossing_mail

__all__ = [
    "Content",
    "CrossingFacts",
    "crossing_mail",
    "email_changed_mail",
    "password_changed_mail",
    "reset_mail",
    "test_mail",
]
