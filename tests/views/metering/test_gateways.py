from datetime import timedelta
from decimal import Decimal

import pytest

from portal.actions.metering.reports import store_reports
from portal.actions.people.keys import NewKey
from portal.db.metering.gateways import MOST_SEARCHED, gateway_named
from portal.db.metering.uncounted import Uncounted
from portal.db.people.keys import note_use
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.errors import Forbidden, NotFound
from portal.rules.messages import message
from portal.rules.metering.reporters import Reporter
from portal.rules.metering.usage import Rejected, UsageReport
from portal.rules.people.keys import NOTED_EVERY
from portal.rules.people.secrets import key_prefix
from portal.settings import settings
from portal.views.metering.gateways import (
    RECENTLY,
    ConnectionState,
    ConnectionView,
    Pace,
    find_gateway,
    load_gateway,
    load_gateway_connection,
    load_gateways,
    load_key_connection,
)
from tests.cast import NOW, Gateway, acting, new_gateway, report, run


def arrives(gateway: Gateway, *entries: UsageReport | Rejected, ignored: int = 0) -> None:
    reporter = Reporter(gateway.id, "native")
    run(store_reports, reporter, entries, settings().budget_zone, NOW, ignored=ignored)


def light(admin: Account, gateway: Gateway) -> ConnectionView:
    found: ConnectionView = run(load_gateway_connection, acting(admin), gateway.id)
    return found


def test_a_new_gateway_is_waited_for(admin: Account, gateway: Gateway) -> None:
    assert light(admin, gateway) == ConnectionView(ConnectionState.WAITING, message("Waiting for the first event."))


def test_the_light_is_green_from_the_first_event_on(admin: Account, alice: Account, gateway: Gateway) -> None:
    arrives(gateway, report())
    found = light(admin, gateway)
    assert (found.state, found.at) == (ConnectionState.CONNECTED, NOW)
    assert str(found.sentence) == "It works. The first event: qwen3:32b for alice."
    arrives(gateway, Rejected(None, "There is no model."))
    assert light(admin, gateway).state is ConnectionState.CONNECTED


def test_light_shows_newest_report_of_many_events(admin: Account, alice: Account, gateway: Gateway) -> None:
    arrives(gateway, *(report(f"r-{number}", model=f"m-{number}") for number in range(MOST_SEARCHED)))
    assert str(light(admin, gateway).sentence) == "It works. The first event: m-0 for alice."
    arrives(gateway, report("one-more"))
    assert light(admin, gateway) == ConnectionView(
        ConnectionState.CONNECTED, message("It works. The newest report:"), NOW
    )


@pytest.mark.parametrize(
    ("entries", "ignored", "sentence_part"),
    [
        pytest.param([report(username="nobody")], 0, "keys or names that nobody here has", id="an unknown name"),
        pytest.param([Rejected("r-1", "There is no model.")], 0, "There is no model.", id="rejected"),
        pytest.param(
            [report(username="root", requested_at=NOW + timedelta(hours=2))], 0, "in the future", id="a fast clock"
        ),
        pytest.param([], 7, "no usage is in it", id="spans about something else"),
    ],
)
def test_trouble_is_shown_with_its_reason(
    admin: Account, gateway: Gateway, entries: list[UsageReport | Rejected], ignored: int, sentence_part: str
) -> None:
    arrives(gateway, *entries, ignored=ignored)
    found = light(admin, gateway)
    assert (found.state, found.at) == (ConnectionState.TROUBLE, NOW)
    assert sentence_part in str(found.sentence)


def test_another_gateways_event_lights_nothing(admin: Account, alice: Account, gateway: Gateway) -> None:
    new_gateway("moe-2")
    other = run(gateway_named, "moe-2")
    assert other is not None
    arrives(gateway, report(), Rejected(None, "No."))
    assert run(load_gateway_connection, acting(admin), other.id).state is ConnectionState.WAITING
    view = run(load_gateway, acting(admin), other.id, NOW)
    assert (view.lately, view.rejected, view.unattributed) == (Uncounted(), (), 0)


def test_a_gateways_page_says_what_was_not_counted(admin: Account, alice: Account, gateway: Gateway) -> None:
    arrives(gateway, report(), Rejected("r-2", "There is no model."), report("r-3", username="nobody"), ignored=40)
    arrives(gateway, report(prompt_tokens=5))
    view = run(load_gateway, acting(admin), gateway.id, NOW)
    assert (view.unattributed, view.conflicts, view.lately) == (1, 1, Uncounted(rejected=1, ignored=40))
    assert [(each.example_id, each.reason, each.count) for each in view.rejected] == [("r-2", "There is no model.", 1)]
    assert (len(view.tokens), view.tokens[0].revoked_at, view.reported_at) == (1, None, NOW)


@pytest.mark.parametrize(("days", "rejected"), [(6, 1), (7, 0)])
def test_what_was_rejected_is_shown_for_a_week(admin: Account, gateway: Gateway, days: int, rejected: int) -> None:
    arrives(gateway, Rejected(None, "No."))
    (row,) = run(load_gateways, acting(admin), NOW + timedelta(days=days))
    assert (row.name, row.tokens, row.rejected) == ("moe-1", 1, rejected)


def test_pace_counts_recent_requests_and_their_newest_lag(admin: Account, alice: Account, gateway: Gateway) -> None:
    late, seconds = NOW - timedelta(minutes=14), timedelta(seconds=1)
    arrives(gateway, report("a", requested_at=NOW - RECENTLY - seconds), report("b", requested_at=NOW - seconds))
    assert run(load_gateway, acting(admin), gateway.id, NOW).pace == Pace(Decimal("0.1"), seconds)
    arrives(gateway, report("c", requested_at=late))
    (row,) = run(load_gateways, acting(admin), NOW)
    assert row.pace == Pace(Decimal("0.1"), timedelta(minutes=14))
    assert row.token_at == run(load_gateway, acting(admin), gateway.id, NOW).tokens[0].created_at
    (later,) = run(load_gateways, acting(admin), NOW + RECENTLY + seconds)
    assert later.pace == Pace(Decimal("0.0"), None)


def test_gateways_are_for_administrators_alone(alice: Account, gateway: Gateway) -> None:
    for load in (
        lambda session: load_gateways(session, acting(alice), NOW),
        lambda session: load_gateway(session, acting(alice), gateway.id, NOW),
        lambda session: load_gateway_connection(session, acting(alice), gateway.id),
    ):
        with pytest.raises(Forbidden):
            run(load)


def test_what_is_not_there_is_not_found(admin: Account, db: Database) -> None:
    with pytest.raises(NotFound):
        run(load_gateway, acting(admin), 99, NOW)


def test_a_new_key_is_waited_for_until_it_is_used(alice: Account, alices_key: NewKey) -> None:
    assert run(load_key_connection, alice.id, alices_key.id).state is ConnectionState.WAITING
    run(note_use, alices_key.id, NOW, NOTED_EVERY)
    found = run(load_key_connection, alice.id, alices_key.id)
    assert (found.state, found.at) == (ConnectionState.CONNECTED, NOW)


def test_nobody_sees_whether_anothers_key_is_used(bob: Account, alices_key: NewKey) -> None:
    with pytest.raises(NotFound):
        run(load_key_connection, bob.id, alices_key.id)


def test_operator_finds_a_gateway_by_its_name(gateway: Gateway) -> None:
    found = run(find_gateway, gateway.name)
    assert (found.id, found.mode, [token.prefix for token in found.tokens]) == (
        gateway.id,
        "native",
        [key_prefix(gateway.token)],
    )
    with pytest.raises(NotFound, match="There is no gateway called moe-2"):
        run(find_gateway, "moe-2")
