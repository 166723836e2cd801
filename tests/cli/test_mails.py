"""`portal mail`."""

from portal.clock import utc_now
from portal.db.outbox import NewMessage, add_message
from portal.db.tables import Account
from portal.rules.outbox import Kind
from tests.cast import run
from tests.cli.terminal import rows, succeed


def test_mails_that_were_given_up_are_listed_with_the_reason(alice: Account) -> None:
    assert rows(succeed("mail", "failed")) == []
    mail = NewMessage(alice.id, Kind.TEST, "alice@example.org", "A test mail", "text", "<p>text</p>")
    run(add_message, mail, utc_now())
    ((_, account, to, subject, tries, reason),) = rows(succeed("mail", "failed"))
    assert (account, to, subject, tries) == ("alice", "alice@example.org", "A test mail", "0")
    assert reason == "Mail is not set up."
