"""Whatever is done to the ledger, in whatever order: every sum ties, and the API answers what a plain model says."""

import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from portal.actions.metering.held import assign_held
from portal.actions.metering.pruning import prune_account
from portal.actions.metering.usage import Result, record_usage
from portal.actions.metering.verification import rebuild_account, verify_account
from portal.actions.spending.budgets import set_budget
from portal.actions.spending.prices import enter_model_price, enter_price, remove_price, repair_costs
from portal.db.metering.events import count_events, count_pruned, count_unpriced
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import HeldEvent
from portal.rules.metering.usage import UsageReport
from portal.rules.periods import start_of_day
from portal.rules.spending.budgets import Limits
from portal.rules.spending.prices import Rates
from portal.rules.spending.pricing import eur_text
from portal.web.visitors import cookie_name
from tests.api.conftest import Client
from tests.api.ledger_model import Entry, Ledger
from tests.api.team_rules import TeamRules, key_hash
from tests.cast import NOW, OPERATOR, create_member, id_of, new_gateway, report, run
from tests.databases import empty
from tests.queries import count_held

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""How many examples, new ones every time; none is the few that are always the same."""
UTC_ZONE = ZoneInfo("UTC")
ZONES = {"alice": ZoneInfo("Asia/Kathmandu"), "bob": UTC_ZONE}
NAMES = tuple(ZONES)
INSTANTS = st.timedeltas(timedelta(days=-150), timedelta(minutes=5)).map(lambda back: NOW + back) | st.sampled_from(
    [NOW, NOW - timedelta(hours=15), datetime(2026, 10, 31, 23, 30, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)]
)


@st.composite
def reports(draw: st.DrawFn) -> UsageReport:
    """Draw a report of one of few ids, so that many repeat or contradict each other; some are without counts."""
    username = draw(st.sampled_from(["alice", "alice", "bob", "nobody"]))
    is_counted = draw(st.sampled_from([True, True, True, False]))
    prompt = draw(st.integers(1, 3)) if is_counted else 0  # reports that differ in `without_counts` only are the same
    return report(
        f"r-{draw(st.integers(1, 9))}",
        username=username,
        key_hash=key_hash(username) if username != "nobody" and draw(st.booleans()) else None,
        model=draw(st.sampled_from(["qwen", "gemma"])),
        status=draw(st.sampled_from(["ok", "error"])),
        prompt_tokens=prompt,
        cached_tokens=draw(st.integers(0, prompt)),
        completion_tokens=draw(st.sampled_from([0, 20, 10**6])) if is_counted else 0,
        without_counts=None if is_counted else True,
        requested_at=draw(INSTANTS),
        cost_factor=draw(st.sampled_from([None, None, Decimal("1.5"), Decimal(0)])),
    )


BATCHES = st.lists(reports(), min_size=1, max_size=5)


class LedgerMachine(TeamRules):
    """Does everything that changes the ledger. `database` and `api` are set before it runs."""

    api: FastAPI
    sign_in_as: Callable[[Any], str]

    @initialize(is_priced=st.booleans())
    def begin(self, is_priced: bool) -> None:
        """Start from an empty database with two people and a gateway, and sometimes without a price."""
        empty(self.database)
        self.now, self.model = NOW, Ledger()
        self.accounts = {name: create_member(name, time_zone=zone.key) for name, zone in ZONES.items()}
        gateway = new_gateway("moe")
        self.gateway_id, self.token = gateway.id, gateway.token
        self.begin_teams()
        with time_machine.travel(NOW, tick=False):
            cookies = {name: type(self).sign_in_as(account) for name, account in self.accounts.items()}
        if not is_priced:
            self._remove(None)
        self.clients = {name: Client(self.api, cookies={cookie_name(): cookies[name]}) for name in NAMES}

    @rule(batch=BATCHES, times=st.integers(1, 2))
    def ingest(self, batch: list[UsageReport], times: int) -> None:
        """A gateway reports, sometimes twice."""
        for _ in range(times):
            outcomes = run(record_usage, self.gateway_id, batch, UTC_ZONE, self.now)
            assert [outcome.result for outcome in outcomes] == self.model.take(batch, self.now)

    @precondition(lambda self: self.model.entries)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """A gateway sends something once more, however long ago it was stored."""
        entry = self.model.entries[data.draw(st.sampled_from(sorted(self.model.entries)))]
        self.ingest(batch=[entry.usage], times=1)

    @rule(cents=st.sampled_from([0, 1, 3, 7]), back=st.integers(-1, 140))
    def enter_price(self, cents: int, back: int) -> None:
        """An administrator enters a price, also with a beginning in the past."""
        begins = NOW - timedelta(days=back)
        run(enter_price, OPERATOR, Decimal(cents) / 100_000, begins, self.now)
        self.model.book[begins] = Fraction(cents, 100_000)

    @rule(
        pattern=st.sampled_from(["qwen", "q*", "gem*", "*"]),
        rates=st.tuples(*[st.sampled_from([0, 1, 7, 10**4])] * 3),
        back=st.integers(-1, 140),
    )
    def enter_model_price(self, pattern: str, rates: tuple[int, int, int], back: int) -> None:
        """An administrator enters a price of models, or replaces one."""
        begins = NOW - timedelta(days=back)
        run(enter_model_price, OPERATOR, pattern, Rates(*map(Decimal, rates)), begins, self.now)
        self.model.model_book[pattern, begins] = rates

    @precondition(lambda self: self.model.model_book)
    @rule(data=st.data())
    def remove_model_price(self, data: st.DataObject) -> None:
        """An administrator takes one out."""
        pattern, begins = data.draw(st.sampled_from(sorted(self.model.model_book)))
        run(remove_price, OPERATOR, begins, self.now, pattern=pattern)
        del self.model.model_book[pattern, begins]

    @precondition(lambda self: self.model.book)
    @rule(data=st.data())
    def remove_price(self, data: st.DataObject) -> None:
        """An administrator takes one out."""
        self._remove(data.draw(st.sampled_from(sorted(self.model.book, key=str))))

    @rule(batch=BATCHES, back=st.integers(-1, 140))
    def repair(self, batch: list[UsageReport], back: int) -> None:
        """Something arrives, a price is entered for its time or another, and what has one now gets its cost."""
        self.ingest(batch=batch, times=1)
        self.enter_price(cents=2, back=back)
        run(repair_costs, OPERATOR, None, UTC_ZONE, self.now)
        self.model.repair()

    @precondition(lambda self: self.model.open_strays())
    @rule(data=st.data(), owner=st.sampled_from(NAMES))
    def assign(self, data: st.DataObject, owner: str) -> None:
        """An administrator assigns an event to its owner."""
        body = data.draw(st.sampled_from(sorted(self.model.open_strays())))
        number = run_in_reading(lambda session: session.scalar(select(HeldEvent.id).where(HeldEvent.body == body)))
        assert number is not None
        run(assign_held, OPERATOR, number, id_of(owner), UTC_ZONE, self.now)
        self.model.assign(body, owner)

    @rule(owner=st.sampled_from(NAMES), daily=st.sampled_from([None, 0, 100]), total=st.sampled_from([None, 10**6]))
    def set_budget(self, owner: str, daily: int | None, total: int | None) -> None:
        """An administrator changes limits."""
        limits = Limits(daily=daily, total=total)
        run(set_budget, OPERATOR, id_of(owner), limits, self.now)
        self.model.limits[owner] = limits

    @rule(batch=BATCHES, back=st.sampled_from([0, 10, 100]))
    def prune(self, batch: list[UsageReport], back: int) -> None:
        """A day after something has arrived old events go, and then it is sent once more."""
        self.ingest(batch=batch, times=1)
        self.now += timedelta(hours=25)
        first_kept = (self.now - timedelta(days=back)).date()
        for account in self.accounts.values():
            run(prune_account, account.id, first_kept, UTC_ZONE, self.now)
        self.model.prune(start_of_day(first_kept, UTC_ZONE), self.now)
        self.all_sums_tie()
        self.ingest(batch=batch, times=1)

    @rule(owner=st.sampled_from(NAMES))
    def rebuild(self, owner: str) -> None:
        """All sums are written again."""
        run(rebuild_account, self.accounts[owner].id, UTC_ZONE)

    @rule(hours=st.sampled_from([1, 10, 30]))
    def wait(self, hours: int) -> None:
        """Time passes."""
        self.now += timedelta(hours=hours)

    @invariant()
    def all_sums_tie(self) -> None:
        """Counters = roll-ups = events."""
        for account in self.accounts.values():
            with self.database.reading() as session:
                assert list(verify_account(session, account.id, UTC_ZONE)) == []

    @invariant()
    def everything_is_kept_once(self) -> None:
        """Each event is stored or was pruned, and what could not be counted is held."""
        entries = self.model.entries.values()
        pruned = sum(entry.pruned for entry in entries)
        assert (run(count_events), run(count_pruned)) == (len(entries) - pruned, pruned)
        assert run(count_unpriced) == sum(entry.cost is None for entry in entries)
        reasons = [held.reason for held in self.model.held.values() if not held.settled]
        assert run(count_held) == {reason: reasons.count(reason) for reason in set(reasons)}

    @invariant()
    def the_api_answers_what_the_model_says(self) -> None:
        """Budget, summary and usage, of each account its own."""
        with time_machine.travel(self.now, tick=False):
            for name, client in self.clients.items():
                self._check_budget(name, client.get("/user/api/budget").json())
                self._check_summary(name, client.get("/user/api/summary").json())
                self._check_usage(name, client.get("/user/api/usage?from=2026-01-01&limit=500").json())

    def teardown(self) -> None:
        """Close the clients."""
        for client in getattr(self, "clients", {}).values():
            client.close()

    def _remove(self, begins: datetime | None) -> None:
        run(remove_price, OPERATOR, begins, self.now)
        del self.model.book[begins]

    def _check_budget(self, name: str, answer: dict[str, Any]) -> None:
        today = self.now.date()
        limits = self.model.limits_in_force(name, self.now)
        for period, first, last in (
            ("daily", today, today),
            ("monthly", today.replace(day=1), end_of_month(today)),
            ("total", date.min, date.max),
        ):
            used = self.model.of(name, first, last)
            assert answer[f"{period}_used"] == sum(entry.billable for entry in used)
            assert answer[f"{period}_input"] == sum(entry.usage.prompt_tokens for entry in used)
            assert nano(answer[f"{period}_cost_eur"]) == cost(used)
            assert answer[f"{period}_limit"] == limits[period]

    def _check_summary(self, name: str, answer: dict[str, Any]) -> None:
        today = self.now.date()
        assert answered_sums(answer["total"]) == sums(self.model.of(name))
        assert answered_sums(answer["month"]) == sums(self.model.of(name, today.replace(day=1), end_of_month(today)))
        recent = self.model.of(name, today - timedelta(29), today)
        kinds = {(entry.usage.model, entry.usage.mode) for entry in recent}
        assert {(row["model"], row["mode"]): answered_sums(row) for row in answer["by_model"]} == {
            kind: sums([e for e in recent if (e.usage.model, e.usage.mode) == kind]) for kind in kinds
        }
        assert [answered_sums(bar) for bar in answer["daily"]] == [
            sums(self.model.of(name, day, day)) for day in (today - timedelta(back) for back in range(13, -1, -1))
        ]

    def _check_usage(self, name: str, answer: dict[str, Any]) -> None:
        zone = ZONES[name]
        today = self.now.astimezone(zone).date()
        begun = [e for e in self.model.of(name) if e.requested_at.astimezone(zone).date() <= today]
        listed = [entry for entry in begun if not entry.pruned]
        assert answered_sums(answer["totals"]) == sums(listed)
        items = [(item["requested_at"], item["billable_tokens"], item["cost_eur"]) for item in answer["items"]]
        unknown = [item["prompt_tokens"] is None for item in answer["items"]]
        assert Counter(unknown) == Counter(entry.usage.without_counts is True for entry in listed)
        assert Counter(items) == Counter(
            (
                entry.requested_at.isoformat().replace("+00:00", "Z"),
                entry.billable,
                None if entry.cost is None else eur_text(entry.cost),
            )
            for entry in listed
        )


def sums(entries: list[Entry]) -> tuple[int, int, int, int, int, int]:
    """Return billable, prompt and completion tokens, requests, those of them without counts, and nano-euros."""
    return (
        sum(entry.billable for entry in entries),
        sum(entry.usage.prompt_tokens for entry in entries),
        sum(entry.usage.completion_tokens for entry in entries),
        len(entries),
        sum(entry.usage.without_counts is True for entry in entries),
        cost(entries),
    )


def answered_sums(answer: dict[str, Any]) -> tuple[int, int, int, int, int, int]:
    """Return the same as the API tells it."""
    names = ("tokens", "prompt_tokens", "completion_tokens", "requests")
    tokens, prompt, completion, requests = (answer[name] for name in names)
    return tokens, prompt, completion, requests, answer.get("without_counts", 0), nano(answer["cost_eur"])


def cost(entries: list[Entry]) -> int:
    return sum(entry.cost or 0 for entry in entries)


def nano(eur: str) -> int:
    return int(Decimal(eur).scaleb(9))


def end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(32)).replace(day=1) - timedelta(1)


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])
def test_whatever_is_done_in_whatever_order_every_number_ties(
    db: Database, api: FastAPI, sign_in_as: Callable[[Any], str]
) -> None:
    class Machine(LedgerMachine):
        pass

    Machine.database, Machine.api, Machine.sign_in_as = db, api, staticmethod(sign_in_as)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES or 12,
            derandomize=not EXAMPLES,
            stateful_step_count=15,
            suppress_health_check=list(HealthCheck),
            deadline=None,
        ),
    )


def test_model_tells_a_first_report_from_repetitions() -> None:
    model = Ledger()
    first, other = report("r-1"), report("r-1", prompt_tokens=1)
    assert model.take([first, first, other], NOW) == [Result.ACCEPTED, Result.DUPLICATE, Result.CONFLICT]
    assert sums(model.of("alice")) == (120, 100, 20, 1, 0, 2_400_000)
