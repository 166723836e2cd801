"""An administrator who changes teams, budgets, allowances and prices, and rebuilds sums, while gateways report."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.actions.metering.verification import rebuild_account
from portal.actions.people.teams import create_team, move_account, set_team_active, set_team_budget
from portal.actions.spending.budgets import set_key_budget
from portal.actions.spending.prices import enter_model_price
from portal.clock import utc_now
from portal.db.metering.shared_totals import correct_shared
from portal.db.people.keys import add_key
from portal.db.spending.allowances import add_allowance
from portal.db.spending.budgets import set_limits
from portal.db.sql.session import Database
from portal.errors import PortalError
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import digest
from portal.rules.periods import Period
from portal.rules.spending.allowances import NewAllowance
from portal.rules.spending.budgets import Limits
from portal.rules.spending.prices import Rates
from tools.chaos.checks import BUDGET_ZONE
from tools.chaos.clients import KEYS

ACTOR = Actor(Means.COMMAND_LINE, "chaos")
TEAMS = ("red", "blue")
ENOUGH = 10**12
PATTERNS = ("qwen*", "gemma3:27b", "*")
PAUSE = 0.01
"""Seconds between two changes."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """The ids of the accounts, their keys and the teams."""

    keys: dict[int, int]
    teams: tuple[int, ...]


def organise(session: Session, accounts: dict[str, int]) -> Organisation:
    """Give everybody a key and a budget, and create the teams."""
    now = utc_now()
    keys = {}
    for name, account_id in accounts.items():
        keys[account_id] = add_key(session, account_id, digest(KEYS[name]), KEYS[name][:16], name, None, now).id
        set_limits(session, account_id, Limits(ENOUGH, ENOUGH, ENOUGH), now)
    return Organisation(keys, tuple(create_team(session, ACTOR, name, "", now) for name in TEAMS))


class Administrator:
    """Makes changes, one after the other, in transactions of its own; a change may fail while the database is away."""

    def __init__(self, url: str, organisation: Organisation, seed: str) -> None:
        """Store the values."""
        self._url = url
        self._organisation = organisation
        self._random = random.Random(f"{seed}/administrator")
        self.changes = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Make changes until the block ends."""
        ends = threading.Event()
        worker = threading.Thread(target=self._work, args=(ends,))
        worker.start()
        try:
            yield
        finally:
            ends.set()
            worker.join()

    def _work(self, ends: threading.Event) -> None:
        database = Database(self._url, pool=1)
        while not ends.wait(PAUSE):
            try:
                with database.transaction() as session:
                    self._change(session)
                self.changes += 1
            except PortalError:  # the database is away, or the team is suspended
                continue
        database.close()

    def _change(self, session: Session) -> None:
        choice, now = self._random, utc_now()
        account_id, key_id = choice.choice(list(self._organisation.keys.items()))
        team_id = choice.choice(self._organisation.teams)
        limits = Limits(choice.choice((None, ENOUGH)), None, choice.choice((None, ENOUGH)))
        match choice.randrange(10):
            case 0:
                set_team_budget(session, ACTOR, team_id, limits, now)
            case 1:
                set_team_active(session, ACTOR, team_id, choice.random() < 0.8, now)
            case 2:
                set_key_budget(session, ACTOR, account_id, key_id, limits, now)
            case 3:
                extra = NewAllowance(choice.choice(list(Period)), 1000, "chaos", now + timedelta(seconds=2))
                add_allowance(session, account_id, extra, None, now)
            case 4:
                rates = Rates(*(Decimal(choice.randrange(20)) for _ in range(3)))
                begins = now - timedelta(days=choice.randrange(40))
                enter_model_price(session, ACTOR, choice.choice(PATTERNS), rates, begins, now)
            case 5:
                rebuild_account(session, account_id, BUDGET_ZONE)
            case 6:
                correct_shared(session)
            case _:
                move_account(session, ACTOR, account_id, choice.choice((None, *self._organisation.teams)), now)
