"""Filling a database with the demo: people, keys, history, budgets and notes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.actions.metering.gateways import create_gateway, create_gateway_token, revoke_gateway_tokens
from portal.actions.metering.notes import write_note
from portal.actions.metering.usage import Result, record_usage
from portal.actions.people.accounts import hash_new_password, set_active
from portal.actions.people.new_accounts import create_account
from portal.actions.spending.alerts import change_alerts
from portal.actions.spending.budgets import set_budget
from portal.actions.templates import assign_template, define_template
from portal.db.metering.gateways import gateway_named
from portal.db.metering.totals import counter
from portal.db.people.accounts import account_named, count_accounts
from portal.db.people.keys import add_key
from portal.db.tables import Account, Gateway, Installation, UsageEvent
from portal.demo.budget_requests import add_requests
from portal.demo.history import DAYS
from portal.demo.limits import Consumed, all_limits
from portal.demo.people import OWNER, PASSWORD, PEOPLE, TEMPLATES, DemoPerson
from portal.demo.teams import add_teams, limit_teams
from portal.rules.metering.usage import UsageReport
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import digest, key_prefix
from portal.rules.periods import Period, day_of, end_of_day, period_start, start_of_day

GATEWAY = "moe-sovereign"
ACTOR = Actor(Means.DEMO)
CHUNK = 2_500
"""Events of a batch: few enough to show progress, many enough for few writes of counters."""
_MARK = "demo_seed"

NOTES = (
    ("largest", "Ran the whole contract through the reviewer since the cache was off. Fixed in ci-agents 2.3."),
    ("timeout", "Happens whenever the index job runs at the same time. Asked operations about it."),
    ("reasoning", "Good example for the reading group:\ncompare the second step with what the smaller model did."),
    ("research", "Sources for chapter 4. Keep."),
)  # fmt: skip
"""Kinds of requests of the demo account, and its notes on them."""


def prepared_seed(session: Session) -> int | None:
    """Return the seed of the demo in a database; None without a demo."""
    mark = session.get(Installation, _MARK)
    return None if mark is None else int(mark.value)


def is_empty(session: Session) -> bool:
    """Return whether a database has no accounts."""
    return count_accounts(session) == 0


def fresh_token(session: Session, now: datetime) -> str:
    """Return a new token of the demo's gateway; those of earlier runs are revoked."""
    gateway_id = _gateway(session).id
    revoke_gateway_tokens(session, ACTOR, gateway_id, now)
    return create_gateway_token(session, ACTOR, gateway_id, now)


def prepare(
    session: Session,
    seed: int,
    history: Sequence[UsageReport],
    now: datetime,
    tz: ZoneInfo,
    advance: Callable[[int], None],
) -> None:
    """Fill an empty database in one transaction; `advance` is called with the number of events of each stored batch.

    The gateway gets its token later (`fresh_token`).
    """
    _add_people(session, seed, now, tz)
    add_teams(session, ACTOR, now - timedelta(DAYS))
    create_gateway(session, ACTOR, GATEWAY, now - timedelta(DAYS))
    _record(session, history, tz, advance)
    _end_memberships(session, now)
    consumed = {person.username: _consumed(session, person, now, tz) for person in PEOPLE}
    for username, limits in all_limits(consumed).items():
        set_budget(session, ACTOR, _account(session, username).id, limits, now)
    limit_teams(session, ACTOR, now, tz)
    add_requests(session, now)
    _write_notes(session, now)
    session.add(Installation(name=_MARK, value=str(seed)))


def _add_people(session: Session, seed: int, now: datetime, tz: ZoneInfo) -> None:
    password_hash = hash_new_password(PASSWORD, OWNER)  # one for all, since hashing is slow
    begun = now - timedelta(DAYS)
    templates = {
        template.name: define_template(session, ACTOR, template.name, template.cost_factor, template.models, begun)
        for template in TEMPLATES
    }
    for person in PEOPLE:
        joined = now - timedelta(days=person.joined, hours=3)
        account = create_account(
            session, ACTOR, person.username, person.email, Role(person.role), password_hash, joined, person.display_name
        )
        account.time_zone = person.time_zone
        assign_template(session, ACTOR, account.id, templates.get(person.template or ""), joined)
        _add_keys(session, person, account, seed, now, tz)
        if person.alerts is not None:
            threshold, email = person.alerts
            change_alerts(session, _acting(account), True, threshold, email, joined)


def _add_keys(session: Session, person: DemoPerson, account: Account, seed: int, now: datetime, tz: ZoneInfo) -> None:
    """Store a person's keys with instants in the past, which `create_key` does not allow."""
    today = day_of(now, tz)
    for key in sorted(person.keys, key=lambda key: -key.created):
        secret = key.secret(seed, person.username)
        created = start_of_day(today - timedelta(key.created), tz) + timedelta(hours=9, minutes=key.created % 60)
        expires = None if key.expires is None else end_of_day(today + timedelta(key.expires), tz)
        row = add_key(session, account.id, digest(secret), key_prefix(secret), key.label, expires, min(created, now))
        if key.revoked is not None:
            row.revoked_at = start_of_day(today - timedelta(key.revoked), tz) + timedelta(hours=8, minutes=40)


def _record(session: Session, history: Sequence[UsageReport], tz: ZoneInfo, advance: Callable[[int], None]) -> None:
    """Store the history as reports of its gateway; each batch is received at the instant of its last request."""
    gateway = _gateway(session)
    for start in range(0, len(history), CHUNK):
        batch = history[start : start + CHUNK]
        outcomes = record_usage(session, gateway.id, batch, tz, max(r.requested_at for r in batch if r.requested_at))
        refused = [outcome for outcome in outcomes if outcome.result is not Result.ACCEPTED]
        if refused:
            raise RuntimeError(f"the demo's own event was not accepted: {refused[0]}")
        advance(len(batch))


def _end_memberships(session: Session, now: datetime) -> None:
    for person in PEOPLE:
        if person.left is not None:
            set_active(session, ACTOR, _account(session, person.username).id, False, now - timedelta(person.left))


def _consumed(session: Session, person: DemoPerson, now: datetime, tz: ZoneInfo) -> Consumed:
    today = day_of(now, tz)
    account_id = _account(session, person.username).id
    return {p: counter(session, account_id, p, period_start(p, today)).tokens for p in Period}


def _write_notes(session: Session, now: datetime) -> None:
    """Write notes of the demo account on some of its latest requests."""
    owner = _account(session, OWNER)
    own = select(UsageEvent.id).where(UsageEvent.account_id == owner.id, UsageEvent.requested_at > now - timedelta(7))
    newest = UsageEvent.requested_at.desc(), UsageEvent.id.desc()
    wanted = {
        "largest": own.order_by(UsageEvent.billable_tokens.desc()),
        "timeout": own.where(UsageEvent.status.startswith("504")).order_by(*newest),
        "reasoning": own.where(UsageEvent.mode == "moe_reasoning").order_by(*newest),
        "research": own.where(UsageEvent.mode == "moe_research").order_by(*newest),
    }
    for which, text in NOTES:
        usage_id = session.scalar(wanted[which].limit(1))
        if usage_id is not None:
            write_note(session, _acting(owner), usage_id, text, now)


def _acting(account: Account) -> Actor:
    return Actor(Means.SESSION, account.username, account.id)


def _gateway(session: Session) -> Gateway:
    found = gateway_named(session, GATEWAY)
    if found is None:
        raise RuntimeError("the demo's gateway is missing")
    return found


def _account(session: Session, username: str) -> Account:
    found = account_named(session, username)
    if found is None:
        raise RuntimeError(f"the demo's account {username} is missing")
    return found
