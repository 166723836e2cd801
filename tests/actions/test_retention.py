"""Removing old audit entries, mails and held events."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.actions import retention
from portal.actions.retention import RETENTION, prune_everything, prune_kept
from portal.db.audit import add_entry
from portal.db.outbox import NewMessage, add_message
from portal.db.sql.session import Database
from portal.db.tables import Account, HeldEvent, OutboxMessage
from portal.errors import Forbidden
from portal.rules.retention import Kept
from tests.cast import NOW, OPERATOR, Gateway, acting, audit_log, report, run, send

DAY = timedelta(1)


def write(days: float) -> None:
    run(lambda session: add_entry(session, OPERATOR, f"{days:g} days ago", NOW - timedelta(days)))


def actions() -> list[str]:
    return [action for _, action, _ in audit_log()]


def test_old_audit_entries_go_and_leave_an_entry(db: Database) -> None:
    for days in (731, 730.1, 730, 1):
        write(days)
    assert prune_kept(OPERATOR, Kept.AUDIT, NOW) == 2
    assert actions() == ["730 days ago", "1 days ago", "audit.prune"]
    before = (NOW - 730 * DAY).isoformat()
    assert audit_log()[-1] == (str(OPERATOR), "audit.prune", {"removed": 2, "kept_since": before})


def test_nothing_old_leaves_no_entry(db: Database) -> None:
    write(1)
    assert set(prune_everything(NOW).values()) == {0}
    assert actions() == ["1 days ago"]


def test_settings_decide_how_long_data_stay(db: Database, settings_env: Callable[..., None]) -> None:
    settings_env(keep_audit=30)
    write(31)
    write(30)
    assert prune_everything(NOW)[Kept.AUDIT] == 1
    assert audit_log()[-1][:2] == (str(RETENTION), "audit.prune")


def test_batches_remove_everything(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for days in (800, 801, 802, 803, 1):
        write(days)
    assert prune_kept(OPERATOR, Kept.AUDIT, NOW) == 4
    assert actions() == ["1 days ago", "audit.prune"]


def test_finished_mails_go_and_waiting_ones_stay(alice: Account, settings_env: Callable[..., None]) -> None:
    def queue(session: Session, subject: str, days: int, state: str) -> None:
        add_message(session, NewMessage(alice.id, "test", "a@example.org", subject, "", ""), NOW - days * DAY)
        session.query(OutboxMessage).filter_by(subject=subject).update({"state": state})

    for subject, days, state in (
        ("old", 91, "sent"),
        ("failed", 91, "failed"),
        ("waiting", 91, "queued"),
        ("new", 89, "sent"),
    ):
        run(queue, subject, days, state)
    assert prune_kept(OPERATOR, Kept.MAILS, NOW) == 2
    left = run(lambda session: [row.subject for row in session.query(OutboxMessage).order_by(OutboxMessage.id)])
    assert left == ["waiting", "new"]
    assert actions() == ["mail.prune"]


def test_old_held_events_go(gateway: Gateway) -> None:
    for days in (401, 399):
        at = NOW - days * DAY
        send(gateway, report(f"{days}", username="nobody", requested_at=at), now=at)
    assert prune_kept(OPERATOR, Kept.HELD, NOW) == 1
    assert run(lambda session: [row.external_id for row in session.query(HeldEvent)]) == ["399"]
    assert actions()[-1] == "held.prune"


def test_only_administrators_remove(alice: Account) -> None:
    write(800)
    with pytest.raises(Forbidden):
        prune_kept(acting(alice), Kept.AUDIT, NOW)
    assert actions() == ["800 days ago"]
