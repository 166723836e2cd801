"""Rules of the state machine for teams, budgets of keys, allowances and reservations, with what they expect."""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from portal.actions.metering.verification import verify_shared
from portal.actions.people.teams import create_team, move_account, set_team_active, set_team_budget
from portal.actions.spending.allowances import end_allowance, grant_allowance
from portal.actions.spending.authorization import AuthorizationRequest, authorize
from portal.actions.spending.budgets import set_key_budget
from portal.db.metering.shared_totals import correct_shared
from portal.db.people.keys import add_key
from portal.db.sql.session import Database
from portal.db.tables import Account, TeamCounter
from portal.errors import Conflict
from portal.rules.people.secrets import digest
from portal.rules.periods import Period
from portal.rules.spending.allowances import NewAllowance
from portal.rules.spending.authorization import RESERVED_FOR, Reason
from portal.rules.spending.budgets import Limits
from portal.views.people.keys import load_keys
from tests.api.ledger_model import Entry, Extra, Ledger, Reserved, is_in
from tests.cast import OPERATOR, run

TEAMS = ("red", "blue")
LIMITS = st.builds(
    Limits, *[st.sampled_from([None, None, 0, 100, 10**6])] * 2, total=st.sampled_from([None, 200, 3 * 10**6])
)


class TeamRules(RuleBasedStateMachine):
    """The part of the ledger that more than one account shares; `LedgerMachine` has the rest."""

    database: Database
    model: Ledger
    accounts: dict[str, Account]
    now: datetime
    token: str

    def begin_teams(self) -> None:
        """Create the teams, and a key for everybody."""
        self.teams = {name: run(create_team, OPERATOR, name, "", self.now) for name in TEAMS}
        self.keys = {
            name: run(add_key, account.id, key_hash(name), f"moe-sk-{name}", name, None, self.now).id
            for name, account in self.accounts.items()
        }

    @rule(owner=st.sampled_from(["alice", "bob"]), team=st.sampled_from([None, *TEAMS]))
    def move(self, owner: str, team: str | None) -> None:
        """An administrator moves somebody into a team, or out of it."""
        if team in self.model.suspended:
            return
        run(move_account, OPERATOR, self.accounts[owner].id, self.teams[team] if team else None, self.now)
        self.model.team_of.pop(owner, None)
        if team:
            self.model.team_of[owner] = team

    @rule(team=st.sampled_from(TEAMS), limits=LIMITS)
    def limit_team(self, team: str, limits: Limits) -> None:
        """An administrator changes the limits of a team."""
        run(set_team_budget, OPERATOR, self.teams[team], limits, self.now)
        self.model.team_limits[team] = limits

    @rule(team=st.sampled_from(TEAMS))
    def suspend_team(self, team: str) -> None:
        """An administrator suspends a team, or activates it again."""
        self.model.suspended ^= {team}
        run(set_team_active, OPERATOR, self.teams[team], team not in self.model.suspended, self.now)

    @rule(owner=st.sampled_from(["alice", "bob"]), limits=LIMITS)
    def limit_key(self, owner: str, limits: Limits) -> None:
        """Somebody limits a key."""
        run(set_key_budget, OPERATOR, self.accounts[owner].id, self.keys[owner], limits, self.now)
        self.model.key_limits[owner] = limits

    @rule(owner=st.sampled_from(["alice", "bob"]), period=st.sampled_from(Period), days=st.sampled_from([1, 3]))
    def allow(self, owner: str, period: Period, days: int) -> None:
        """An administrator adds tokens to a limit."""
        if self.model.limits.get(owner, Limits()).in_force(period) is None:
            return
        ends_at = self.now + timedelta(days=days)
        allowance = NewAllowance(period, 50, "a test", ends_at)
        number = run(grant_allowance, OPERATOR, self.accounts[owner].id, allowance, self.now)
        self.model.extras[number] = Extra(owner, period.value, 50, ends_at)

    @precondition(lambda self: self.model.extras)
    @rule(data=st.data())
    def end_allowance(self, data: st.DataObject) -> None:
        """An administrator ends an allowance."""
        number = data.draw(st.sampled_from(sorted(self.model.extras)))
        if self.model.extras.pop(number).ends_at > self.now:
            run(end_allowance, OPERATOR, number, self.now)

    @rule(
        owner=st.sampled_from(["alice", "bob"]),
        estimate=st.sampled_from([0, 1, 50, 10**6]),
        number=st.integers(1, 9),
        reserves=st.booleans(),
    )
    def authorize(self, owner: str, estimate: int, number: int, reserves: bool) -> None:
        """A gateway asks whether a key may spend."""
        model, request_id = self.model, f"r-{number}"
        refusing = model.refusing(owner, estimate, request_id if reserves else "", self.now)
        is_suspended = model.team_of.get(owner) in model.suspended
        question = AuthorizationRequest(self.token, key_hash(owner), estimate, request_id if reserves else None)
        holds = not is_suspended and refusing is None and reserves and request_id not in model.entries
        held = model.reserved.get(request_id)
        if holds and held is not None and held.owner != owner and held.expires_at > self.now:
            assert is_refused_as_conflict(question, self.now)
            return
        decision = authorize(question, self.now).decision
        if is_suspended:
            assert decision.reason is Reason.TEAM_SUSPENDED
            return
        assert (None if decision.owner is None else (decision.owner, decision.period)) == refusing
        if holds:
            model.reserved[request_id] = Reserved(owner, estimate, self.now + RESERVED_FOR)

    @rule()
    def rebuild_shared(self) -> None:
        """The sums across accounts are corrected."""
        run(correct_shared)

    @invariant()
    def sums_across_accounts_tie(self) -> None:
        """Sums of teams = roll-ups = events, also of those without a team."""
        with self.database.reading() as session:
            assert verify_shared(session) == []
            found = {
                (row.team_id, row.period, row.start): (row.tokens, row.requests, row.cost_nano_eur)
                for row in session.scalars(select(TeamCounter))
            }
        for name, team_id in [(None, 0), *self.teams.items()]:
            whole = [entry for entry in self.model.entries.values() if entry.team == name]
            totals = [values for key, values in found.items() if key[:2] == (team_id, "total")]
            assert totals == ([figures(whole)] if whole else [])
            months = {entry.requested_at.date().replace(day=1) for entry in whole}
            assert {
                start: values
                for (team, period, start), values in found.items()
                if (team, period) == (team_id, "monthly")
            } == {
                month: figures([e for e in whole if e.requested_at.date().replace(day=1) == month]) for month in months
            }

    @invariant()
    def budgets_of_keys_tie(self) -> None:
        """Each key with a budget counts its own."""
        for name, limits in self.model.key_limits.items():
            if limits == Limits():
                continue
            [key] = run(load_keys, self.accounts[name].id, self.now).keys
            used = [e for e in self.model.entries.values() if e.owner == name and e.usage.key_hash]
            assert key.budget is not None
            for period in Period:
                of_period = [e for e in used if is_in(period.value, e.requested_at, self.now)]
                assert key.budget.of(period).consumed == sum(e.billable for e in of_period)
                assert key.budget.of(period).limit == limits.set_for(period)


def key_hash(owner: str) -> str:
    """Return the digest of somebody's key."""
    return digest(f"the key of {owner}")


def is_refused_as_conflict(question: AuthorizationRequest, now: datetime) -> bool:
    """Return whether tokens are reserved under the same id for another account."""
    try:
        authorize(question, now)
    except Conflict:
        return True
    return False


def figures(entries: list[Entry]) -> tuple[int, int, int]:
    """Return billable tokens, requests and nano-euros."""
    return sum(e.billable for e in entries), len(entries), sum(e.cost or 0 for e in entries)
