"""Mails are sent soon, each on its own, and given up only when nothing else is left."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from portal.actions.outbox import claim_messages, note_delivery
from portal.clock import utc_now
from portal.db.outbox import Delivery, NewMessage, add_message, failed_messages, messages_of
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account, OutboxMessage
from portal.errors import Unavailable
from portal.jobs import outbox
from portal.jobs.outbox import deliver, run_outbox
from portal.mails import account as account_mails
from portal.mails.delivery import compose_mail, hand_over
from portal.settings import Settings
from tests.cast import NOW, run
from tests.postoffice import Does, PostOffice

SELF_SIGNED = Path(__file__).parents[1] / "data" / "localhost.pem"
"""A certificate for localhost that nobody vouches for, with its key; valid for a hundred years."""
LEASE = timedelta(minutes=1)
SECRET = "https://portal.example.org/user/reset-password?token=the-secret"


@pytest.fixture
def post(office: PostOffice, settings_env: Callable[..., None], db: object) -> PostOffice:
    """The mail server that the portal knows."""
    settings_env(
        base_url="https://portal.example.org",
        smtp_host="127.0.0.1",
        smtp_port=office.port,
        smtp_security="none",
        smtp_from="MoE Portal <portal@example.org>",
    )
    return office


@pytest.fixture
def clock(db: object) -> Iterator[Any]:
    """The time, which does not pass until it is moved."""
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


def queue(whose: Account, recipient: str | None = None, subject: str = "Test", kind: str = "test") -> None:
    """Queue a mail in a transaction of its own, at the present time."""
    content = account_mails.reset_mail(whose.display_name, "en", SECRET, 30)._replace(subject=subject)
    new = NewMessage(whose.id, kind, recipient or whose.email, *content)
    run(add_message, new, utc_now())


async def send() -> None:
    """Send the due mails, one after the other."""
    for mail in claim_messages(100, utc_now()):
        await deliver(mail)


def state_of(whose: Account) -> Delivery:
    """Return what has become of somebody's newest mail."""
    return run_in_reading(messages_of, whose.id, 1)[0]


async def test_a_mail_is_taken_once_and_its_words_are_forgotten(post: PostOffice, clock: Any, alice: Account) -> None:
    queue(alice)
    await send()
    await send()
    (mail,) = post.taken
    assert (mail["To"], mail["From"], mail["Subject"]) == (alice.email, "MoE Portal <portal@example.org>", "Test")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@portal.example.org>")
    assert mail["Date"].datetime == NOW.replace(second=0, microsecond=0)
    stored = state_of(alice)
    assert (stored.state, stored.tries, stored.error, stored.finished_at) == ("sent", 1, None, NOW)
    row = run(lambda session: session.get(OutboxMessage, stored.id))
    assert row is not None
    assert (row.text, row.html) == ("", "")


async def test_refused_connections_are_given_up_after_48_hours(post: PostOffice, clock: Any, alice: Account) -> None:
    queue(alice)
    post.close()
    pauses = []
    while (stored := state_of(alice)).state == "queued":
        clock.move_to(stored.next_try_at - timedelta(seconds=1))
        assert claim_messages(1, utc_now()) == []
        clock.move_to(stored.next_try_at)
        await send()
        pauses.append((stored.next_try_at - stored.created_at) // timedelta(minutes=1))
    post.open(post.port)
    assert pauses[:9] == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert stored.finished_at is not None
    assert timedelta(hours=48) <= stored.finished_at - stored.created_at < timedelta(hours=49)
    assert stored.error == "Given up: it is too old by now. The mail server cannot be reached: Connection refused."
    assert [mail.id for mail in run_in_reading(failed_messages, NOW, 10)] == [stored.id]
    await send()
    assert post.taken == []


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        pytest.param(Does.SHUTS_DOWN, "421 4.3.2 back in a minute", id="421"),
        pytest.param(Does.IS_BUSY, "451 4.7.1 greylisted, try again", id="451"),
        pytest.param(Does.DROPS, "The mail server has hung up.", id="hangs up after DATA"),
        pytest.param(Does.HANGS, "The mail server has not answered in time.", id="hangs"),
    ],
)
async def test_what_may_pass_is_tried_again(
    does: Does, reason: str, post: PostOffice, clock: Any, alice: Account, settings_env: Any
) -> None:
    settings_env(smtp_timeout=1)
    queue(alice)
    post.does[alice.email] = does
    await send()
    stored = state_of(alice)
    assert (stored.state, stored.tries, stored.error) == ("queued", 1, reason)
    assert stored.next_try_at == NOW + timedelta(minutes=1)
    post.does.clear()
    clock.shift(timedelta(minutes=1))
    await send()
    assert (state_of(alice).state, state_of(alice).tries) == ("sent", 2)
    assert len({mail["Message-ID"] for mail in post.taken}) == 1
    assert len(post.taken) == (2 if does is Does.DROPS else 1)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        pytest.param(Does.REFUSES, "550 5.1.1 <alice@example.org> no such user", id="550 to the recipient"),
        pytest.param(Does.REFUSES_DATA, "554 5.7.1 spam", id="554 to the content"),
    ],
)
async def test_mail_refused_for_good_is_given_up_with_its_reason(
    does: Does, reason: str, post: PostOffice, clock: Any, alice: Account, bob: Account, caplog: Any
) -> None:
    caplog.set_level(logging.INFO, "portal")  # the mail server of the tests logs in this process too
    queue(alice, kind="reset")
    queue(bob)
    post.does[alice.email] = does
    await send()
    stored = state_of(alice)
    assert (stored.state, stored.tries, stored.error, stored.finished_at) == ("failed", 1, reason, NOW)
    assert run_in_reading(failed_messages, NOW, 10) == [stored]
    assert post.subjects(bob.email) == ["Test"]
    clock.shift(timedelta(hours=1))
    assert claim_messages(10, utc_now()) == []
    assert "is given up: 55" in caplog.text
    for private in (alice.email, bob.email, "the-secret"):
        assert private not in caplog.text
    row = run(lambda session: session.get(OutboxMessage, stored.id))
    assert row is not None
    assert (row.text, row.html) == ("", "")


async def test_a_login_that_is_refused_is_no_reason_to_give_up(
    post: PostOffice, clock: Any, alice: Account, settings_env: Any
) -> None:
    office = PostOffice(auth_require_tls=False)
    settings_env(smtp_port=office.port, smtp_username="portal", smtp_password="wrong")
    queue(alice)
    await send()
    assert state_of(alice).state == "queued"
    assert str(state_of(alice).error).startswith("535 ")
    settings_env(smtp_password="secret")
    clock.shift(timedelta(minutes=1))
    await send()
    office.stop()
    assert state_of(alice).state == "sent"
    assert office.logins[-1] == ("portal", "secret")


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_certificates_are_verified(
    security: str, db: object, alice: Account, settings_env: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(SELF_SIGNED)
    is_implicit = security == "tls"
    office = PostOffice(**{"over_tls": tls, "auth_require_tls": False} if is_implicit else {"tls_context": tls})
    settings_env(
        base_url="https://portal.example.org",
        smtp_host="localhost",
        smtp_port=office.port,
        smtp_security=security,
        smtp_from="portal@example.org",
        smtp_username="portal",
        smtp_password="secret",
    )
    queue(alice)
    (mail,) = claim_messages(1, utc_now())
    await deliver(mail)
    assert state_of(alice).error == "The mail server’s certificate is not valid: self-signed certificate."
    assert (office.taken, office.logins) == ([], [])
    monkeypatch.setenv("SSL_CERT_FILE", str(SELF_SIGNED))
    await deliver(mail)
    office.stop()
    assert (state_of(alice).state, state_of(alice).error) == ("sent", None)
    assert office.secured
    assert office.logins == [("portal", "secret")]


async def test_without_starttls_nothing_is_sent_where_it_is_asked_for(
    post: PostOffice, alice: Account, settings_env: Any
) -> None:
    settings_env(smtp_security="starttls")
    queue(alice)
    (mail,) = claim_messages(1, utc_now())
    await deliver(mail)
    assert (state_of(alice).state, post.taken) == ("queued", [])
    assert "STARTTLS" in str(state_of(alice).error)


async def test_an_address_that_hangs_holds_up_nobody(
    post: PostOffice, alice: Account, bob: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "EVERY", 0.02)
    monkeypatch.setattr(outbox, "FINISHED_WITHIN", 0.02)
    post.does[alice.email] = Does.HANGS
    for number in range(2 * outbox.AT_ONCE):
        queue(alice, subject=f"hangs {number}")
    running = asyncio.create_task(run_outbox())
    await until(lambda: post.connections == 1)
    for number in range(10):
        queue(bob, subject=f"{number}")
    await until(lambda: len(post.subjects(bob.email)) == 10)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert state_of(alice).state == "queued"


async def test_the_mail_under_way_is_finished_when_the_server_stops(
    post: PostOffice, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivering, go = asyncio.Event(), asyncio.Event()

    async def hand_over_when_set(*args: Any) -> Any:
        delivering.set()
        await go.wait()
        return await hand_over(*args)

    monkeypatch.setattr(outbox, "hand_over", hand_over_when_set)
    queue(alice)
    running = asyncio.create_task(run_outbox())
    await delivering.wait()
    running.cancel()
    asyncio.get_running_loop().call_later(0.05, go.set)
    with suppress(asyncio.CancelledError):
        await running
    assert state_of(alice).state == "sent"


async def test_outbox_survives_missing_databases_and_bugs(
    post: PostOffice, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles: list[Exception] = [Unavailable(), ValueError("a bug")]

    def claim_or_fail(limit: int, now: datetime, *, exclude: Any) -> Any:
        if troubles:
            raise troubles.pop()
        return claim_messages(limit, now, exclude=exclude)

    def note_or_fail(session: Any, mail: Any, *delivery: Any) -> None:
        if len(marks) < 2:
            marks.append(mail)
            raise Unavailable
        note_delivery(session, mail, *delivery)

    marks: list[Any] = []
    monkeypatch.setattr(outbox, "TRY_AGAIN", 0.01)
    monkeypatch.setattr(outbox, "EVERY", 0.01)
    monkeypatch.setattr(outbox, "claim_messages", claim_or_fail)
    monkeypatch.setattr(outbox, "note_delivery", note_or_fail)
    queue(alice)
    running = asyncio.create_task(run_outbox())
    await until(lambda: state_of(alice).state == "sent")
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert len(post.taken) == 1


async def test_a_bug_with_one_mail_is_logged_and_that_one_waits(
    post: PostOffice, clock: Any, alice: Account, bob: Account, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def mail_or_bug(settings: Any, recipient: str, *args: Any) -> Any:
        if recipient == alice.email:
            raise KeyError("a bug")
        return compose_mail(settings, recipient, *args)

    monkeypatch.setattr(outbox, "compose_mail", mail_or_bug)
    queue(alice)
    queue(bob)
    await send()
    assert (state_of(alice).state, state_of(bob).state) == ("queued", "sent")
    assert "for a bug" in caplog.text


async def test_mail_of_a_dead_sender_is_sent_after_the_lease(post: PostOffice, clock: Any, alice: Account) -> None:
    queue(alice)
    (held,) = claim_messages(10, utc_now())
    clock.shift(LEASE - timedelta(seconds=1))
    assert claim_messages(10, utc_now()) == []
    clock.shift(timedelta(seconds=1))
    assert [mail.message_id for mail in claim_messages(10, utc_now())] == [held.message_id]


async def test_who_has_lost_a_mail_to_another_one_does_not_spoil_it(
    post: PostOffice, clock: Any, alice: Account
) -> None:
    queue(alice)
    (lost,) = claim_messages(10, utc_now())
    clock.shift(LEASE)
    (held,) = claim_messages(10, utc_now())
    post.does[alice.email] = Does.REFUSES
    await deliver(lost)
    assert state_of(alice).state == "queued"
    post.does.clear()
    await deliver(lost)
    assert state_of(alice).state == "sent"
    post.does[alice.email] = Does.REFUSES
    await deliver(held)
    assert state_of(alice).state == "sent"


def test_nothing_runs_in_the_desktop_program(db: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "is_desktop", True)
    asyncio.run(asyncio.wait_for(run_outbox(), 5))


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; fails after ten seconds."""
    for _ in range(1000):
        if await asyncio.to_thread(is_so):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it has not happened")
