"""`portal mail`."""

from collections.abc import Callable

from portal.clock import utc_now
from portal.db.outbox import NewMessage, add_message, messages_of
from portal.db.tables import Account
from portal.rules.outbox import Kind
from tests.cast import audit_log, run
from tests.cli.terminal import fail, rows, succeed


def test_mails_that_were_given_up_are_listed_with_the_reason(alice: Account) -> None:
    assert rows(succeed("mail", "failed")) == []
    mail = NewMessage(alice.id, Kind.TEST, "alice@example.org", "A test mail", "text", "<p>text</p>")
    run(add_message, mail, utc_now())
    ((_, _, account, to, subject, tries, reason),) = rows(succeed("mail", "failed"))
    assert (account, to, subject, tries) == ("alice", "alice@example.org", "A test mail", "0")
    assert reason == "Mail is not set up."


def test_a_mail_that_was_given_up_is_sent_again_once(settings_env: Callable[..., None], alice: Account) -> None:
    run(add_message, NewMessage(alice.id, Kind.NOTICE, "old@example.org", "A notice", "text", "<p>text</p>"), utc_now())
    assert "Mail is not set up" in fail("mail", "retry", "1")
    settings_env(base_url="http://portal.example.org", smtp_host="127.0.0.1", smtp_from="portal@example.org")
    assert "alice@example.org" in succeed("mail", "retry", "1")
    (old, new) = reversed(run(messages_of, alice.id, 10))
    assert (old.state, old.can_repeat, new.state, new.recipient) == ("failed", False, "queued", "alice@example.org")
    assert audit_log()[-1][1:] == ("mail.retry", {"message": 1, "kind": "notice", "channel": "mail"})
    assert "not kept" in fail("mail", "retry", "1")
