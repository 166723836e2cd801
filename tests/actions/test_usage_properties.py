"""Whatever gateways send, in whatever order and however often: counters = roll-ups = sum of events = a plain model."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from portal.actions.usage import Result
from portal.actions.verification import rebuild_account, verify_account
from portal.db.events import account_events
from portal.db.sql.session import Database
from portal.db.usage import Selection, usage_totals
from portal.rules.figures import Figures
from portal.rules.figures import total as sum_of
from portal.rules.periods import EPOCH_DAY, Period
from portal.rules.usage import UsageReport
from tests.cast import NOW, counters_of, create_member, daily_of, new_gateway, report, results, run, send

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
    said = draw(st.lists(reports(), min_size=1, max_size=15))
    again = draw(st.lists(st.sampled_from(said), max_size=15))
    batches: list[list[UsageReport]] = [[]]
    for each in draw(st.permutations(said + again)):
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
        for index, said in enumerate(batch):
            if said.username != "nobody" and said.id not in self.stored:
                self.stored[said.id] = said
                firsts[said.id] = index
        return [self._result(index, said, firsts) for index, said in enumerate(batch)]

    def _result(self, index: int, said: UsageReport, firsts: dict[str, int]) -> Result:
        if said.id not in self.stored:
            return Result.UNATTRIBUTED
        if firsts.get(said.id) == index:
            return Result.ACCEPTED
        return Result.DUPLICATE if said == self.stored[said.id] else Result.CONFLICT

    def sums(self, username: str) -> tuple[dict[tuple[Period, date], Figures], dict[tuple[date, str, str], Figures]]:
        """Return the counters and the roll-ups that an account must have."""
        counters: dict[tuple[Period, date], Figures] = {}
        roll_ups: dict[tuple[date, str, str], Figures] = {}
        for said in self.stored.values():
            if said.username == username and said.requested_at is not None:
                day = said.requested_at.astimezone(self.zone).date()
                for key in ((Period.DAILY, day), (Period.MONTHLY, day.replace(day=1)), (Period.TOTAL, EPOCH_DAY)):
                    counters[key] = counters.get(key, Figures()) + figures(said)
                roll_up = (day, said.model, said.mode)
                roll_ups[roll_up] = roll_ups.get(roll_up, Figures()) + figures(said)
        return counters, roll_ups


def figures(said: UsageReport) -> Figures:
    """Return what one request must count, by exact fractions rounded half up."""
    half = Fraction(1, 2)
    factor = Fraction(1 if said.cost_factor is None else said.cost_factor)
    billable = (said.total_tokens * factor + half).__floor__()
    cost = (billable * PRICE * 10**9 + half).__floor__()
    return Figures(billable, said.prompt_tokens, said.completion_tokens, 1, cost)


def as_alias(said: UsageReport, names: dict[str, str]) -> UsageReport:
    """Return a report of this example's own accounts."""
    alias = names.get(said.username or "", said.username)
    return report(**{**{name: getattr(said, name) for name in UsageReport.__slots__}, "username": alias})


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batches=deliveries(), zone=st.sampled_from(ZONES))
def test_any_order_and_repetition_of_batches_counts_every_event_once(
    db: Database, batches: list[list[UsageReport]], zone: str
) -> None:
    example = next(examples)
    names = {who: f"{who}-{example}" for who in ("alice", "bob")}
    accounts = {who: create_member(name) for who, name in names.items()}
    gateway = new_gateway(f"moe-{example}")
    model = Model(ZoneInfo(zone))
    told: Counter[Result] = Counter()

    for batch in batches:
        became = results(send(gateway, *(as_alias(said, names) for said in batch), budget_tz=model.zone))
        assert became == model.take(batch)
        told.update(became)
    assert told[Result.ACCEPTED] == len(model.stored)
    event(", ".join(sorted(told)))

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
