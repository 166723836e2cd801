from datetime import timedelta

from portal.db.sql.session import Database
from portal.db.uncounted import Uncounted, count_uncounted, uncounted_since
from tests.cast import NOW, Gateway, run


def test_what_is_not_counted_is_added_up_by_day(gateway: Gateway) -> None:
    run(count_uncounted, gateway.id, Uncounted(ignored=40, rejected=1), NOW - timedelta(days=1))
    run(count_uncounted, gateway.id, Uncounted(ignored=2, replays=5), NOW)
    run(count_uncounted, gateway.id, Uncounted(ignored=1, without_counts=3), NOW)
    run(count_uncounted, gateway.id, Uncounted(), NOW)
    assert run(uncounted_since, gateway.id, NOW.date()) == Uncounted(3, 5, 0, 3)
    assert run(uncounted_since, gateway.id, NOW.date() - timedelta(days=1)) == Uncounted(3, 5, 1, 43)


def test_another_gateways_counts_are_its_own(db: Database, gateway: Gateway) -> None:
    from portal.db.gateways import add_gateway

    other = run(add_gateway, "moe-2", "native", NOW).id
    run(count_uncounted, other, Uncounted(replays=1), NOW)
    assert run(uncounted_since, gateway.id, NOW.date()) == Uncounted()
