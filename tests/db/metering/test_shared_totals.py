"""Sums of teams and of the organisation: what storing adds, what verification finds, what a correction adds."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.actions.metering.pruning import prune_account
from portal.actions.metering.verification import rebuild_account, rebuild_all, recount_all, verify_ledger, verify_shared
from portal.actions.spending.prices import enter_price, remove_price, repair_costs
from portal.db.metering import shared_totals
from portal.db.metering.shared_totals import correct_shared, shared_differences
from portal.db.metering.totals import SHARED_TOTALS, Total, figures_of, summed
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account, OrganisationDaily, Team, TeamCounter, UsageDaily
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import NO_TEAM, OrganisationKey, TeamCounterKey
from portal.rules.periods import EPOCH_DAY, Period, zone
from tests.cast import NOW, OPERATOR, Gateway, create_member, new_gateway, report, run, send

UTC = zone("UTC")
TODAY = date(2026, 11, 22)
ONE = Figures(120, 100, 20, 1, 2_400_000)
TWO = ONE + ONE


def rows(table: type[Any]) -> dict[Any, Figures]:
    """Return all rows of a table with sums across accounts."""
    [total] = [each for each in SHARED_TOTALS if each.table is table]
    columns = [getattr(table, name) for name in total.key._fields]
    found = run_in_reading(lambda session: session.execute(select(*columns, *summed(table))).all())
    return {total.row_key(row[: len(columns)]): figures_of(row[len(columns) :]) for row in found}


def differences() -> list[str]:
    return [each.key.name for each in run_in_reading(verify_shared)]


def join_team(session: Session, account_id: int, team_id: int | None) -> None:
    session.execute(update(Account).where(Account.id == account_id).values(team_id=team_id))


@pytest.fixture
def team(db: object) -> int:
    def create(session: Session) -> int:
        row = Team(name="Research", cost_centre="4711", created_at=NOW)
        session.add(row)
        session.flush()
        return row.id

    return run(create)


@pytest.fixture
def used(team: int, alice: Account, bob: Account, gateway: Gateway) -> None:
    """A request of Alice in a team, one of Bob without a team, and one of each a month before."""
    run(join_team, alice.id, team)
    for name in ("alice", "bob"):
        send(gateway, report(f"{name}-1", username=name))
        send(gateway, report(f"{name}-2", username=name, requested_at=NOW - timedelta(30)))


def test_usage_counts_for_team_and_organisation(used: None, team: int, gateway: Gateway) -> None:
    before = TODAY - timedelta(30)
    assert rows(TeamCounter) == {
        TeamCounterKey(team_id, period, start): figures
        for team_id in (NO_TEAM, team)
        for period, start, figures in (
            (Period.DAILY, TODAY, ONE),
            (Period.DAILY, before, ONE),
            (Period.MONTHLY, TODAY.replace(day=1), ONE),
            (Period.MONTHLY, before.replace(day=1), ONE),
            (Period.TOTAL, EPOCH_DAY, TWO),
        )
    }
    assert rows(OrganisationDaily) == {
        OrganisationKey(day, gateway.id, "qwen3:32b", "native"): TWO for day in (TODAY, before)
    }
    assert differences() == []


def test_stored_usage_stays_with_the_team_it_had(used: None, team: int, alice: Account, gateway: Gateway) -> None:
    run(join_team, alice.id, None)
    send(gateway, report("later"))
    total = {key.team_id: figures for key, figures in rows(TeamCounter).items() if key.period is Period.TOTAL}
    assert total == {team: TWO, NO_TEAM: TWO + ONE}
    run(rebuild_account, alice.id, UTC)
    assert list(verify_ledger(UTC)) == []


def change(table: type[Any]) -> Callable[[Session], None]:
    def add(session: Session) -> None:
        session.execute(update(table).values(tokens=table.tokens + 5))

    return add


def lose(table: type[Any]) -> Callable[[Session], None]:
    def remove(session: Session) -> None:
        session.execute(delete(table))

    return remove


def change_roll_up(session: Session) -> None:
    session.execute(update(UsageDaily).where(UsageDaily.day == TODAY).values(requests=7))


@pytest.mark.parametrize(
    ("tamper", "count"),
    [
        pytest.param(change(TeamCounter), 10, id="counters of teams changed"),
        pytest.param(lose(TeamCounter), 10, id="counters of teams lost"),
        pytest.param(change(OrganisationDaily), 2, id="days of the organisation changed"),
        pytest.param(lose(OrganisationDaily), 2, id="days of the organisation lost"),
        pytest.param(change_roll_up, 7, id="roll-ups changed"),
    ],
)
def test_changed_sums_are_found_and_corrected(used: None, tamper: Callable[[Session], None], count: int) -> None:
    run(tamper)
    assert len(differences()) == count
    run(correct_shared)
    assert differences() == []


def test_a_rebuild_of_all_corrects_shared_sums(used: None, gateway: Gateway) -> None:
    before = rows(TeamCounter), rows(OrganisationDaily)
    for tamper in (change_roll_up, lose(TeamCounter), change(OrganisationDaily)):
        run(tamper)
    [*_, last] = [str(fault) for fault in verify_ledger(UTC)]
    assert last == (
        f"all accounts: organisation's sum of 2026-11-22, gateway {gateway.id}, qwen3:32b, native: kept 245 tokens, "
        "2 requests, 4,800,000 nano-EUR, roll-ups sum to 240 tokens, 14 requests, 4,800,000 nano-EUR"
    )
    rebuild_all(OPERATOR, UTC, NOW)
    assert list(verify_ledger(UTC)) == []
    assert (rows(TeamCounter), rows(OrganisationDaily)) == before


def test_days_of_another_zone_leave_no_empty_rows(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(requested_at=NOW.replace(day=21, hour=23, minute=30)))
    run(recount_all, OPERATOR, zone("Europe/Berlin"), NOW)
    assert [key.day for key in rows(OrganisationDaily)] == [TODAY]
    assert list(verify_ledger(zone("Europe/Berlin"))) == []


def test_pruning_and_repair_keep_the_sums(used: None, alice: Account, gateway: Gateway) -> None:
    run(remove_price, OPERATOR, None, NOW)
    send(gateway, report("unpriced"))
    run(enter_price, OPERATOR, Decimal("0.00003"), NOW - timedelta(1), NOW)
    run(repair_costs, OPERATOR, None, UTC, NOW)
    assert run(prune_account, alice.id, TODAY, UTC, NOW + timedelta(days=2)) == 1
    assert list(verify_ledger(UTC)) == []
    [found] = [each for key, each in rows(OrganisationDaily).items() if key.day == TODAY]
    assert found == TWO + ONE._replace(cost_nano_eur=3_600_000)


def test_usage_during_a_correction_counts(used: None, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL a gateway stores usage between the comparison and the correction."""
    run(change(TeamCounter))
    is_shared = run(lambda session: session.get_bind().dialect.name) == "postgresql"

    def compare(session: Session, total: Total) -> list[Any]:
        found = shared_differences(session, total)
        if is_shared and total is SHARED_TOTALS[0]:
            with ThreadPoolExecutor(1) as thread:
                thread.submit(send, gateway, report("meanwhile")).result()
        return found

    monkeypatch.setattr(shared_totals, "shared_differences", compare)
    run(correct_shared)
    assert list(verify_ledger(UTC)) == []


def test_corrections_at_once_add_a_difference_once(used: None) -> None:
    run(lose(TeamCounter))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: run(correct_shared), range(4)))
    assert differences() == []


def test_batches_of_many_at_once_do_not_wait_in_a_ring(team: int, gateway: Gateway) -> None:
    """Batches of several gateways and teams in different orders, some of events without counts."""
    names = [f"member-{number}" for number in range(6)]
    for number, name in enumerate(names):
        run(join_team, create_member(name).id, team if number % 2 else None)
    gateways = [gateway, new_gateway("other")]

    def store(turn: int) -> None:
        batch = [
            report(
                f"{turn}-{number}",
                username=names[(turn + number) % 6],
                requested_at=NOW - timedelta((turn * number) % 5),
                prompt_tokens=0,
                completion_tokens=0,
                without_counts=True if number == turn else None,
            )
            for number in range(12)
        ]
        send(gateways[turn % 2], *batch)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(store, range(12)))
    [total] = [each for key, each in rows(TeamCounter).items() if key == (NO_TEAM, Period.TOTAL, EPOCH_DAY)]
    assert total.requests == 72
    assert list(verify_ledger(UTC)) == []
