"""The same usage in any order, repeated, and sent by many at once is counted once."""

import multiprocessing
import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.actions.metering.usage import Result, record_usage
from portal.actions.metering.verification import rebuild_account, verify_account
from portal.db.metering.events import account_events
from portal.db.metering.gateways import gateway_named
from portal.db.metering.usage import Selection, usage_totals
from portal.db.sql.session import Database
from portal.db.tables import Account, UsageCounter
from portal.rules.metering.figures import Figures
from portal.rules.metering.figures import total as sum_of
from portal.rules.metering.usage import UsageReport
from portal.rules.periods import EPOCH_DAY, Period
from portal.settings import settings as portal_settings
from tests.cast import NOW, Gateway, counters_of, create_member, daily_of, new_gateway, report, results, run, send
from tests.databases import Server

EVER = Selection(datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC))
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe"]
ODD = [
    datetime(2023, 4, 27, 22, tzinfo=UTC),  # Cairo's missing midnight
    datetime(2023, 11, 5, 5, tzinfo=UTC),  # Havana's second midnight
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Berlin's clocks go back
    datetime(2026, 10, 31, 23, tzinfo=UTC),  # a month begins in Berlin
    NOW + timedelta(minutes=5),  # as far ahead as a clock may be
]
PRICE = Fraction(2, 100_000)
examples = count()


@st.composite
def reports(draw: st.DrawFn) -> UsageReport:
    """Draw a report of one of few ids, so that some contradict each other, and of somebody or nobody."""
    near = st.sampled_from([*ODD, NOW]).flatmap(
        lambda instant: st.timedeltas(timedelta(hours=-30), timedelta(0)).map(lambda back: instant + back)
    )
    return report(
        f"r-{draw(st.integers(1, 12))}",
        username=draw(st.sampled_from(["alice", "alice", "bob", "nobody"])),
        model=draw(st.sampled_from(["qwen", "gemma"])),
        mode=draw(st.sampled_from(["native", "moe_reasoning"])),
        status=draw(st.sampled_from(["ok", "error"])),
        prompt_tokens=draw(st.integers(0, 50)),
        completion_tokens=draw(st.integers(0, 10**9)),
        requested_at=draw(near | st.sampled_from(ODD)),
        cost_factor=draw(st.none() | st.sampled_from(["0", "0.5", "1.5", "1.0001", "3"]).map(Decimal)),
    )


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[UsageReport]]:
    """Draw reports and send each at least once, in any order, in batches of any size, some again and again."""
    reported = draw(st.lists(reports(), min_size=1, max_size=15))
    again = draw(st.lists(st.sampled_from(reported), max_size=15))
    batches: list[list[UsageReport]] = [[]]
    for each in draw(st.permutations(reported + again)):
        is_next_batch = draw(st.booleans())
        if is_next_batch:
            batches.append([])
        batches[-1].append(each)
    return batches


@dataclass
class Model:
    """What must come out, in plain Python: the first countable report of an id is the event."""

    zone: ZoneInfo
    stored: dict[str, UsageReport] = field(default_factory=dict)

    def take(self, batch: list[UsageReport]) -> list[Result]:
        """Return what must become of each report of a batch."""
        firsts: dict[str, int] = {}
        for index, reported in enumerate(batch):
            if reported.username != "nobody" and reported.id not in self.stored:
                self.stored[reported.id] = reported
                firsts[reported.id] = index
        return [self._result(index, reported, firsts) for index, reported in enumerate(batch)]

    def _result(self, index: int, reported: UsageReport, firsts: dict[str, int]) -> Result:
        if reported.id not in self.stored:
            return Result.UNATTRIBUTED
        if firsts.get(reported.id) == index:
            return Result.ACCEPTED
        return Result.DUPLICATE if reported == self.stored[reported.id] else Result.CONFLICT

    def sums(self, username: str) -> tuple[dict[tuple[Period, date], Figures], dict[tuple[date, str, str], Figures]]:
        """Return the counters and the roll-ups that an account must have."""
        counters: dict[tuple[Period, date], Figures] = {}
        roll_ups: dict[tuple[date, str, str], Figures] = {}
        for reported in self.stored.values():
            if reported.username == username and reported.requested_at is not None:
                day = reported.requested_at.astimezone(self.zone).date()
                for key in ((Period.DAILY, day), (Period.MONTHLY, day.replace(day=1)), (Period.TOTAL, EPOCH_DAY)):
                    counters[key] = counters.get(key, Figures()) + figures(reported)
                roll_up = (day, reported.model, reported.mode)
                roll_ups[roll_up] = roll_ups.get(roll_up, Figures()) + figures(reported)
        return counters, roll_ups


def figures(reported: UsageReport) -> Figures:
    """Return what one request must count, by exact fractions rounded half up."""
    half = Fraction(1, 2)
    factor = Fraction(1 if reported.cost_factor is None else reported.cost_factor)
    billable = (reported.total_tokens * factor + half).__floor__()
    cost = (billable * PRICE * 10**9 + half).__floor__()
    return Figures(billable, reported.prompt_tokens, reported.completion_tokens, 1, cost)


def as_alias(reported: UsageReport, names: dict[str, str]) -> UsageReport:
    """Return a report of this example's own accounts."""
    alias = names.get(reported.username or "", reported.username)
    return report(**{**{name: getattr(reported, name) for name in UsageReport.__slots__}, "username": alias})


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batches=deliveries(), zone=st.sampled_from(ZONES))
def test_batches_in_any_order_count_every_event_once(db: Database, batches: list[list[UsageReport]], zone: str) -> None:
    example = next(examples)
    names = {who: f"{who}-{example}" for who in ("alice", "bob")}
    accounts = {who: create_member(name) for who, name in names.items()}
    gateway = new_gateway(f"moe-{example}")
    model = Model(ZoneInfo(zone))
    counts: Counter[Result] = Counter()

    for batch in batches:
        became = results(send(gateway, *(as_alias(reported, names) for reported in batch), budget_tz=model.zone))
        assert became == model.take(batch)
        counts.update(became)
    assert counts[Result.ACCEPTED] == len(model.stored)
    event(", ".join(sorted(counts)))

    for who, account in accounts.items():
        counters, roll_ups = model.sums(who)
        kept = counters_of(account)
        daily = daily_of(account)
        assert {(key.period, key.start): each for key, each in kept.items()} == counters
        kinds = sorted({(key.day, key.model, key.mode) for key in daily})
        by_kind = {kind: sum_of(each for key, each in daily.items() if key[1:4] == kind) for kind in kinds}
        assert by_kind == roll_ups

        events = run(lambda session, id: list(account_events(session, id)), account.id)
        whole = sum_of(each.figures for each in events)
        assert run(usage_totals, account.id, EVER, model.zone).stored == sum_of(daily.values()) == whole
        for period in Period:
            assert sum_of(each for key, each in kept.items() if key.period is period) == whole

        assert run(lambda session, id: list(verify_account(session, id, model.zone)), account.id) == []
        run(rebuild_account, account.id, model.zone)
        assert counters_of(account) == kept
        assert daily_of(account) == daily


HUNDRED = [report(f"r-{number}", prompt_tokens=number, completion_tokens=0) for number in range(100)]
TOKENS = sum(range(100))


def total(db: Database, account: Account) -> tuple[int, int]:
    """Return an account's tokens and requests as counted, after proving that every sum is the sum."""
    with db.reading() as session:
        assert list(verify_account(session, account.id, portal_settings().budget_zone)) == []
        chosen = UsageCounter.account_id == account.id, UsageCounter.period == "total"
        row = session.execute(select(UsageCounter.tokens, UsageCounter.requests).where(*chosen)).one()
        return row[0], row[1]


def shuffled(seed: int, reports: Sequence[UsageReport]) -> list[UsageReport]:
    return random.Random(seed).sample(reports, len(reports))


def test_a_hundred_events_in_fifty_batches_at_once_count_once(alice: Account, gateway: Gateway, db: Database) -> None:
    with ThreadPoolExecutor(10) as threads:
        outcomes = list(threads.map(lambda seed: results(send(gateway, *shuffled(seed, HUNDRED))), range(50)))
    assert Counter(outcome for batch in outcomes for outcome in batch) == {Result.ACCEPTED: 100, Result.DUPLICATE: 4900}
    assert total(db, alice) == (TOKENS, 100)


def test_each_gateways_own_hundred_count(alice: Account, gateway: Gateway, db: Database) -> None:
    new_gateway("moe-2")
    other = run(gateway_named, "moe-2")
    assert other is not None
    senders = [gateway, Gateway(other.id, other.name, "")] * 10
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda n: send(senders[n], *shuffled(n, HUNDRED)), range(20)))
    assert total(db, alice) == (2 * TOKENS, 200)


def send_from_another_process(url: str, gateway_id: int, seed: int) -> list[Result]:
    """Send ten batches of 30 of the hundred; the process knows nothing but the address of the database."""
    database, chance, reported = Database(url), random.Random(seed), []
    for _ in range(10):
        with database.transaction() as session:
            outcomes = record_usage(session, gateway_id, chance.sample(HUNDRED, 30), portal_settings().budget_zone, NOW)
        reported += results(outcomes)
    database.close()
    return reported


def test_several_processes_count_it_once(alice: Account, gateway: Gateway, db: Database, databases: Server) -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=spawn) as processes:
        sent = [processes.submit(send_from_another_process, databases.url, gateway.id, seed) for seed in range(3)]
        outcomes = Counter(outcome for process in sent for outcome in process.result(60))
    assert outcomes == {Result.ACCEPTED: 100, Result.DUPLICATE: 800}
    assert total(db, alice) == (TOKENS, 100)


def test_an_id_is_taken_for_ever(alice: Account, gateway: Gateway, db: Database) -> None:
    later = NOW + timedelta(days=366)
    assert results(send(gateway, report("r-1"))) == [Result.ACCEPTED]
    assert results(send(gateway, report("r-1"), now=later)) == [Result.DUPLICATE]
    assert results(send(gateway, replace(report("r-1"), requested_at=later), now=later)) == [Result.CONFLICT]
    assert total(db, alice) == (120, 1)
