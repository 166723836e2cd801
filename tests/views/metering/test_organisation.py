"""Usage of the organisation: every grouping of every range has the sums of the events."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.actions.metering.pruning import prune_account
from portal.actions.spending.prices import enter_price
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account, Gateway, OrganisationDaily, Team, UsageDaily, UsageEvent
from portal.errors import Forbidden
from portal.rules.lists import ListFilter
from portal.rules.metering.figures import Figures, figures_of_request, total
from portal.rules.metering.organisation import (
    NO_COST_CENTRE,
    REQUEST_LIST,
    USAGE_LIST,
    Grouping,
    group_params,
    scope_of,
)
from portal.rules.periods import day_of
from portal.settings import settings
from portal.views.metering.organisation import OrganisationView, UsageGroup, load_organisation, load_organisation_rows
from portal.views.metering.organisation_requests import RequestRow, load_request_rows, load_requests
from tests.cast import NOW, OPERATOR, acting, new_gateway, new_team, report, run, send
from tests.cast import Gateway as Reporter

MODELS, MODES = ("qwen3:32b", "gemma3:27b", "gpt-4o"), ("native", "moe_reasoning")


def usage(**params: str) -> OrganisationView:
    wanted = USAGE_LIST.parse(params)
    return run_in_reading(load_organisation, OPERATOR, wanted, NOW, 500, with_chart=True)


def rows(**params: str) -> dict[str, Figures]:
    return {row.key: row.figures for row in usage(**params).rows}


@pytest.fixture
def history(alice: Account, bob: Account, charlie: Account, gateway: Reporter) -> None:
    """Some hundred requests of ten months by three accounts in two teams, through two gateways, at two prices."""
    random, other = Random(12), new_gateway("second")
    red, blue = new_team("Red", alice), new_team("Blue", bob)
    run(lambda session: session.execute(update(Team).where(Team.id == red).values(cost_centre="4711")))
    run(enter_price, OPERATOR, Decimal("0.0000123"), NOW - timedelta(days=100), NOW)
    for half in range(2):
        reports = [
            report(
                f"r-{half}-{number}",
                username=random.choice(["alice", "alice", "bob", "charlie"]),
                model=random.choice(MODELS),
                mode=random.choice(MODES),
                status=random.choice(["ok", "ok", "error"]),
                prompt_tokens=random.randrange(10_000),
                completion_tokens=random.randrange(2_000),
                cost_factor=random.choice([None, Decimal("1.3337")]),
                requested_at=NOW - timedelta(days=300 * random.random()),
            )
            for number in range(150)
        ]
        send(gateway if half else other, *reports)
        run(lambda session: session.execute(update(Account).where(Account.id == bob.id).values(team_id=red)))
    assert blue


def stored() -> list[tuple[dict[str, Any], Figures]]:
    """Return every event with what it is grouped by, and its figures."""
    zone = settings().budget_zone
    found = run_in_reading(
        lambda session: session.execute(
            select(UsageEvent, Account.username, Team.name, Team.cost_centre, Gateway.name)
            .join(Account, Account.id == UsageEvent.account_id)
            .join(Gateway, Gateway.id == UsageEvent.gateway_id)
            .outerjoin(Team, Team.id == UsageEvent.team_id)
        ).all()
    )
    events = []
    for event, account, team, cost_centre, gateway in found:
        day = day_of(event.requested_at, zone)
        figures = figures_of_request(
            event.billable_tokens,
            event.prompt_tokens,
            event.completion_tokens,
            event.cost_nano_eur,
            event.without_counts,
        )
        about = {"account": account, "team": team or "", "cost_centre": cost_centre or "", "gateway": gateway}
        about |= {"model": event.model, "mode": event.mode, "day": day.isoformat(), "month": f"{day:%Y-%m}"}
        ids = {"account": event.account_id, "team": event.team_id or 0, "gateway": event.gateway_id}
        events.append((about | {f"{name}_id": number for name, number in ids.items()}, figures))
    return events


def grouped(events: list[tuple[dict[str, Any], Figures]], by: str) -> dict[str, Figures]:
    sums: defaultdict[str, Figures] = defaultdict(Figures)
    for about, figures in events:
        sums[about[by]] += figures
    return dict(sums)


def choices(random: Random, about: dict[str, Any]) -> dict[str, str]:
    """Return a random choice of conditions that an event meets."""
    values = {name: str(about[f"{name}_id"]) for name in ("account", "team", "gateway")}
    values |= {"model": about["model"], "mode": about["mode"], "cost_centre": about["cost_centre"] or NO_COST_CENTRE}
    names = random.sample(sorted(values), random.choice([0, 0, 1, 1, 2, 3]))
    return {name: values[name] for name in names}


def meets(about: dict[str, Any], chosen: dict[str, str]) -> bool:
    def value(name: str) -> str:
        return str(about[f"{name}_id"] if f"{name}_id" in about else about[name]) or NO_COST_CENTRE

    return all(value(name) == text for name, text in chosen.items())


@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns"])
def test_every_grouping_has_the_sums_of_the_events(
    zone: str, settings_env: Any, request: pytest.FixtureRequest
) -> None:
    settings_env(budget_timezone=zone)
    request.getfixturevalue("history")
    events, random = stored(), Random(zone)
    for _ in range(8):
        last = NOW.date() - timedelta(days=random.randrange(250))
        days = {"from": str(last - timedelta(days=random.choice([0, 5, 40, 100, 300]))), "to": str(last)}
        chosen = choices(random, random.choice(events)[0])
        inside = [each for each in events if days["from"] <= each[0]["day"] <= days["to"] and meets(each[0], chosen)]
        for by in Grouping:
            view = usage(by=by, **days, **chosen)
            assert {row.key: row.figures for row in view.rows} == grouped(inside, by), (by, days, chosen)
            assert view.totals == total(figures for _, figures in inside)
            drawn = total(figures for series in view.series for figures in series.figures)
            assert drawn == view.totals, (by, days, chosen)


def test_usage_without_team_and_gateway_has_empty_keys(alice: Account, gateway: Reporter) -> None:
    send(gateway, report("old", requested_at=NOW - timedelta(days=9)), report("new"))
    before = usage(by="day").totals
    run(prune_account, alice.id, NOW.date() - timedelta(days=1), settings().budget_zone, NOW + timedelta(days=2))
    for table in (OrganisationDaily, UsageDaily):  # as the migration has left what was pruned before it
        change = update(table).where(table.day < NOW.date()).values(gateway_id=0)
        run(lambda session, change=change: session.execute(change))  # type: ignore[misc]  # the default has its type
    assert rows(by="team") == {"": before} == rows(by="cost_centre")
    assert {key: figures.requests for key, figures in rows(by="gateway").items()} == {"": 1, "moe-1": 1}
    assert rows(by="gateway", gateway="0", account=str(alice.id)).keys() == {""}


def test_rows_are_searched_sorted_and_paged(history: None) -> None:
    wanted = USAGE_LIST.parse({"by": "account", "range": "year", "sort": "key"})
    first = run_in_reading(load_organisation, OPERATOR, wanted, NOW, 2)
    rest = run_in_reading(load_organisation, OPERATOR, wanted, NOW, 2, first.on)
    assert [row.key for row in (*first.rows, *rest.rows)] == ["alice", "bob", "charlie"]
    assert (first.total, first.before, rest.before, rest.on) == (3, 0, 2, None)
    assert total(row.figures for row in (*first.rows, *rest.rows)) == first.totals == rest.totals
    found = usage(by="account", range="year", search="LI")
    assert [row.key for row in found.rows] == ["alice", "charlie"]
    assert found.totals == total(row.figures for row in found.rows)


def test_plain_order_is_latest_first_or_largest_first(history: None) -> None:
    months = list(rows(by="month", range="year"))
    assert months == sorted(months, reverse=True)
    tokens = [row.figures.tokens for row in usage(by="account", range="year").rows]
    assert tokens == sorted(tokens, reverse=True)


def test_filters_offer_what_was_used(history: None) -> None:
    names = usage(range="year").names or {}
    assert list(names[Grouping.TEAM].values()) == ["", "Blue", "Red"]
    assert names[Grouping.COST_CENTRE] == {"": "", "4711": "4711"}
    assert list(names[Grouping.MODEL]) == sorted(MODELS)
    assert list(names[Grouping.GATEWAY].values()) == ["moe-1", "second"]


def test_chart_shows_the_largest_groups_and_the_rest(alice: Account, gateway: Reporter) -> None:
    send(gateway, *(report(f"r-{n}", model=f"m{n}", prompt_tokens=100 * n) for n in range(1, 8)))
    view = usage(by="model")
    assert [series.group.key if series.group else None for series in view.series] == [
        "m7",
        "m6",
        "m5",
        "m4",
        "m3",
        None,
    ]
    assert (view.unit, view.units[0], view.units[-1]) == (Grouping.DAY, "2026-11-01", "2026-11-22")
    assert usage(by="model", range="year").unit is Grouping.MONTH


def test_range_without_days_is_empty(history: None) -> None:
    view = usage(**{"from": "2026-11-05", "to": "2026-11-04"})
    assert (view.rows, view.totals, view.series) == ((), Figures(), ())


def test_export_has_all_rows(history: None) -> None:
    def load(session: Any) -> list[UsageGroup]:
        return list(load_organisation_rows(session, OPERATOR, ListFilter(), NOW))

    assert run_in_reading(load) == list(usage().rows)


def test_only_administrators_read_it(history: None, bob: Account, admin: Account) -> None:
    with pytest.raises(Forbidden):
        run_in_reading(load_organisation, acting(bob), ListFilter(), NOW, 5)
    assert run_in_reading(load_organisation, acting(admin), ListFilter(), NOW, 5).rows


def test_requests_behind_a_figure_have_its_sums(history: None) -> None:
    events, random = stored(), Random(5)
    for _ in range(12):
        chosen = choices(random, random.choice(events)[0]) | {"range": "year"}
        figure = usage(by="month", **chosen).totals
        view = run_in_reading(load_requests, OPERATOR, REQUEST_LIST.parse(chosen), NOW, 500)
        assert view.totals + view.pruned == figure
        assert total(figures_of_row(row) for row in view.rows) == view.totals
        assert [row.requested_at for row in view.rows] == sorted((row.requested_at for row in view.rows), reverse=True)
        assert run_in_reading(all_requests, chosen) == list(view.rows)


def all_requests(session: Session, chosen: dict[str, str]) -> list[RequestRow]:
    return list(load_request_rows(session, OPERATOR, REQUEST_LIST.parse(chosen), NOW))


def figures_of_row(row: RequestRow) -> Figures:
    counts = row.billable_tokens, row.prompt_tokens, row.completion_tokens
    return figures_of_request(*counts, row.cost_nano_eur, row.without_counts)


def test_requests_are_paged_without_pruned_ones(alice: Account, gateway: Reporter) -> None:
    send(gateway, *(report(f"r-{n}", requested_at=NOW - timedelta(days=n)) for n in range(15)))
    run(prune_account, alice.id, NOW.date() - timedelta(days=9), settings().budget_zone, NOW + timedelta(days=2))
    wanted = REQUEST_LIST.parse({"account": str(alice.id)})
    view = run_in_reading(load_requests, OPERATOR, wanted, NOW, 4)
    found = list(view.rows)
    while view.on:
        view = run_in_reading(load_requests, OPERATOR, wanted, NOW, 4, view.on)
        assert view.before == len(found)
        found += view.rows
    assert found == sorted(found, key=lambda row: row.requested_at, reverse=True)
    assert len(found) == view.total == view.totals.requests == 10
    assert view.pruned.requests == 5
    assert run_in_reading(load_requests, OPERATOR, REQUEST_LIST.parse({"gateway": "0"}), NOW, 4).rows == ()


def test_groups_lead_to_their_own_requests(history: None) -> None:
    today = day_of(NOW, settings().budget_zone)
    for by in Grouping:
        view = usage(by=by, range="90")
        for row in view.rows:
            wanted = REQUEST_LIST.parse(group_params(view.scope, by, row.id, row.key))
            assert scope_of(wanted, today + timedelta(days=99)) == scope_of(wanted, today)
            assert run_in_reading(load_requests, OPERATOR, wanted, NOW, 1).totals == row.figures, (by, row)
