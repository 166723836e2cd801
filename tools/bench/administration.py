"""Measure the pages of administration for few and for many accounts: the times should be nearly equal."""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from portal.actions.people.teams import create_team
from portal.clock import utc_now
from portal.db.audit import add_entry
from portal.db.metering.held import NewHeld, hold_events
from portal.db.people.accounts import add_account
from portal.db.spending.budget_requests import add_request
from portal.db.sql.session import Database
from portal.db.tables import Account, ApiKey, Budget
from portal.rules.lists import ListFilter
from portal.rules.metering.organisation import Grouping
from portal.rules.people.actors import Actor, Means
from portal.rules.periods import Period
from portal.rules.spending.budgets import Limits
from portal.views.audit_list import load_audit_list
from portal.views.health import load_health
from portal.views.metering.gateways import load_gateway, load_gateways
from portal.views.metering.held import load_held_list
from portal.views.metering.organisation import load_organisation
from portal.views.metering.organisation_requests import load_requests
from portal.views.people.account import load_account_page
from portal.views.people.account_list import load_account_list
from portal.views.people.teams import load_team, load_team_list
from portal.views.spending.prices import load_price_list
from portal.views.spending.request_list import load_request_list
from tools.bench.figures import Figure, at_most, median
from tools.bench.fill import fill
from tools.bench.premises import ACTOR, ENOUGH, Premises, prepare

ROWS = 50
GOAL, MOST_MS = 1.5, 300
ORGANISATION = "Organisation Usage"
SORTED = "Accounts, largest use first"
"""The only list that reads a counter of every account, so it takes longer with more accounts."""
BODY = '{"model": "gemma3:27b", "prompt_tokens": 1, "completion_tokens": 1, "username": "unknown"}'
View = Callable[[Session], Any]


@dataclass(frozen=True, slots=True)
class Size:
    """The numbers of accounts, teams and requests of an organisation."""

    accounts: int
    teams: int
    events: int

    def __str__(self) -> str:
        return f"{self.accounts:,} accounts"


THOROUGH = Size(50, 50, 10_000), Size(5_000, 200, 1_000_000)
QUICK = Size(4, 2, 400), Size(8, 4, 800)


@dataclass(frozen=True, slots=True)
class Filled:
    """An organisation in a separate database; the views of its pages."""

    size: Size
    database: Database
    views: dict[str, View]

    def seconds(self, name: str) -> float:
        """Return how long a view takes to load."""
        started = time.perf_counter()
        with self.database.reading() as session:
            self.views[name](session)
        return time.perf_counter() - started


def measure(directory: Path, sizes: Sequence[Size], rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """Return the time of each page in the larger organisation, compared with the smaller one."""
    with ExitStack() as stack:
        filled = []
        for size in sizes:
            there = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=directory)))
            started = time.monotonic()
            filled.append(fill_organisation(there, size))
            stack.callback(filled[-1].database.close)
            say(f"filled an organisation with {size} in {time.monotonic() - started:.0f} s")
        return [figure for name in filled[0].views for figure in _compare(name, filled, rounds)]


def fill_organisation(directory: Path, size: Size) -> Filled:
    """Fill a new database in a directory."""
    database = Database(f"sqlite:///{directory / 'portal.sqlite3'}")
    first = prepare(database, accounts=1, keys=1)
    with database.transaction() as session:
        premises, admin = _organise(session, first, size)
    end = fill(database, premises, size.events, utc_now(), size.teams)
    return Filled(size, database, _views(admin, premises, end))


def _organise(session: Session, first: Premises, size: Size) -> tuple[Premises, Actor]:
    """Add accounts in teams in turn, each with a key, a budget and an open request, held events, an administrator."""
    now = utc_now()
    (account_id,), ((key_id,),) = first.keys, first.key_ids.values()
    ids = range(account_id + 1, account_id + size.accounts)
    people = [_person(number, now) for number in ids]
    session.execute(insert(Account), people)
    keys = [
        {"id": key_id + place, "account_id": number, "label": "key", "prefix": "moe-sk", "key_hash": str(number)}
        for place, number in enumerate(ids, 1)
    ]
    session.execute(insert(ApiKey), [key | {"created_at": now} for key in keys])
    enough = {"type": "subscription", "daily": ENOUGH, "monthly": ENOUGH, "total": ENOUGH, "updated_at": now}
    session.execute(insert(Budget), [enough | {"account_id": number} for number in ids])
    for number in range(size.teams):
        create_team(session, ACTOR, f"Team {number}", f"{number // 4}", now, Limits(ENOUGH, ENOUGH, ENOUGH))
    session.execute(update(Account).values(team_id=1 + Account.id % size.teams))
    admin = add_account(session, "admin", "Admin", "admin@example.org", "admin", None, now)
    held = [NewHeld(first.gateway_id, str(number), str(number), "unattributed", BODY, now, now) for number in ids]
    hold_events(session, held)
    for number in ids:
        add_request(session, number, Period.MONTHLY, 1000, "a project", now)
        add_entry(session, ACTOR, "account.create", now, account_id=number)
    key_ids = {number: [key_id + place] for place, number in enumerate((account_id, *ids))}
    everybody = Premises(
        first.gateway_id, first.gateway_token, {number: [] for number in key_ids}, key_ids, first.session
    )
    return everybody, Actor(Means.SESSION, "admin", admin.id)


def _person(number: int, now: datetime) -> dict[str, Any]:
    name = f"member-{number}"
    return {
        "id": number,
        "username": name,
        "display_name": name,
        "email": f"{name}@example.org",
        "email_key": f"{name}@example.org",
        "role": "user",
        "created_at": now,
    }


def _views(admin: Actor, premises: Premises, now: datetime) -> dict[str, View]:
    """Return the views of the pages by name."""
    lists: dict[str, tuple[Callable[..., Any], dict[str, str], str]] = {
        "Accounts": (load_account_list, {}, ""),
        SORTED: (load_account_list, {}, "-tokens"),
        "Teams": (load_team_list, {}, ""),
        "Budget Requests": (load_request_list, {}, ""),
        "Prices": (load_price_list, {}, ""),
        "Held Events": (load_held_list, {}, ""),
        "Audit Log": (load_audit_list, {}, ""),
        "Requests of the organisation": (load_requests, {}, ""),
    }
    person = min(premises.keys)
    return {
        **{
            name: _list(load, admin, ListFilter(choices=tuple(choices.items()), sort=sort), now)
            for name, (load, choices, sort) in lists.items()
        },
        "One account": lambda session: load_account_page(session, admin, person, now),
        "One team": lambda session: load_team(session, admin, 1, now),
        "Gateways": lambda session: load_gateways(session, admin, now),
        "One gateway": lambda session: load_gateway(session, admin, premises.gateway_id, now),
        "System": load_health,
        **{_year(by): _organisation(by, admin, now) for by in Grouping},
    }


def _list(load: Callable[..., Any], admin: Actor, wanted: ListFilter, now: datetime) -> View:
    return lambda session: load(session, admin, wanted, now, ROWS)


def _year(by: Grouping) -> str:
    return f"{ORGANISATION}, a year by {by.value.replace('_', ' ')}"


def _organisation(by: Grouping, admin: Actor, now: datetime) -> View:
    wanted = ListFilter(choices=(("by", by.value), ("range", "year")))
    return lambda session: load_organisation(session, admin, wanted, now, ROWS, with_chart=True)


def _compare(name: str, filled: Sequence[Filled], rounds: int) -> list[Figure]:
    """Measure a view in turn; the first round only fills the caches."""
    times: list[list[float]] = [[] for _ in filled]
    for _ in range(rounds + 1):
        for measured, each in zip(times, filled, strict=True):
            measured.append(each.seconds(name))
    small, large = (median(measured[1:]) * 1000 for measured in times)
    goal = None if name == SORTED else at_most(GOAL)
    if name.startswith(ORGANISATION):
        goal = at_most(MOST_MS, of_ratio=False)
    return [Figure(f"{name}, {filled[1].size}", "ms", large, small, str(filled[0].size), goal)]
