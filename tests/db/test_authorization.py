"""What is known of a request before it is allowed; what decides is tried in tests/actions/test_authorization.py."""

from datetime import timedelta

import pytest

from portal.actions.keys import NewKey
from portal.db.authorization import Asked, asked_about
from portal.db.reservations import reserve
from portal.db.sql.session import Database
from portal.db.tables import Account, PrunedEvent
from portal.rules.secrets import digest
from tests.cast import NOW, Gateway, new_gateway, report, run, send


def about(db: Database, token: str, key: str, request_id: str | None = None) -> Asked:
    with db.glance() as connection:
        asked = asked_about(connection, digest(token), digest(key), NOW.date(), NOW, but=request_id)
    assert asked is not None
    return asked


def test_a_stored_or_pruned_event_is_reported(alices_key: NewKey, gateway: Gateway, db: Database) -> None:
    other = new_gateway("moe-2")
    send(gateway, report("stored"))
    with db.transaction() as session:
        session.add(PrunedEvent(gateway_id=gateway.id, external_id="pruned", fingerprint="0" * 64))

    def is_reported(token: str, request_id: str | None) -> bool:
        return about(db, token, alices_key.secret, request_id).is_reported

    assert is_reported(gateway.token, "stored") is is_reported(gateway.token, "pruned") is True
    assert is_reported(gateway.token, "new") is is_reported(gateway.token, None) is False
    assert is_reported(other.token, "stored") is is_reported(other.token, "pruned") is False


@pytest.mark.parametrize(
    ("left", "expired"),
    [
        pytest.param(timedelta(), True, id="the time is just over"),
        pytest.param(timedelta(microseconds=1), False, id="it is nearly"),
    ],
)
def test_what_an_account_holds_is_over(
    alice: Account,
    alices_key: NewKey,
    bobs_key: NewKey,
    gateway: Gateway,
    db: Database,
    left: timedelta,
    expired: bool,
) -> None:
    run(reserve, gateway.id, "r-1", alice.id, 5, NOW + left, NOW)
    assert about(db, gateway.token, alices_key.secret).holds_expired is expired
    assert not about(db, gateway.token, bobs_key.secret).holds_expired
    assert not about(db, gateway.token, "nobody's").holds_expired
