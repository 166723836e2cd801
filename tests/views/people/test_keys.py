"""Keys as pages and API show them."""

from datetime import timedelta

from portal.actions.people.keys import create_key, revoke_key
from portal.db.tables import Account
from portal.rules.people.keys import KeyStatus
from portal.rules.people.secrets import digest
from portal.views.dashboard import load_dashboard
from portal.views.people.keys import load_active_keys, load_keys
from tests.cast import NOW, Gateway, acting, report, run, send

HOUR = timedelta(hours=1)


def test_all_keys_and_whether_they_work(alice: Account, bob: Account) -> None:
    run(create_key, acting(bob), bob.id, "Bob's", None, NOW)
    for n, label in enumerate(("first", "second", "ends", "revoked")):
        new = run(
            create_key,
            acting(alice),
            alice.id,
            label,
            NOW + HOUR if label == "ends" else None,
            NOW + n * timedelta(minutes=1),
        )
        if label == "revoked":
            run(revoke_key, acting(alice), alice.id, new.id, NOW + HOUR)

    def shown(hours: int) -> list[tuple[str, KeyStatus]]:
        return [(key.label, key.status) for key in run(load_keys, alice.id, NOW + hours * HOUR).keys]

    works, expired, revoked = KeyStatus.ACTIVE, KeyStatus.EXPIRED, KeyStatus.REVOKED
    assert shown(0) == [("ends", works), ("second", works), ("first", works), ("revoked", revoked)]
    assert shown(1) == [("second", works), ("first", works), ("ends", expired), ("revoked", revoked)]
    assert {key.label for key in run(load_active_keys, alice.id, NOW + HOUR)} == {"first", "second"}


def test_a_revoked_key_that_has_expired_too_is_revoked(alice: Account) -> None:
    new = run(create_key, acting(alice), alice.id, "both", NOW + HOUR, NOW)
    run(revoke_key, acting(alice), alice.id, new.id, NOW)
    (key,) = run(load_keys, alice.id, NOW + 2 * HOUR).keys
    assert key.status is KeyStatus.REVOKED


def test_the_dashboard_shows_keys_that_work_last_used_first(
    alice: Account, bob: Account, charlie: Account, gateway: Gateway
) -> None:
    first, second = (run(create_key, acting(alice), alice.id, label, None, NOW) for label in ("first", "second"))
    run(create_key, acting(bob), bob.id, "Bob's", None, NOW)
    send(gateway, report(key_hash=digest(first.secret)))
    keys = run(load_dashboard, alice.id, NOW).keys
    assert [(key.label, key.prefix, key.last_used_at) for key in keys] == [
        ("first", first.prefix, NOW),
        ("second", second.prefix, None),
    ]
    assert run(load_dashboard, charlie.id, NOW).keys == ()
