"""Storing which budgets crossed thresholds, in the transaction that causes it, and queueing mails about them.

Decision: only current periods count. A day that is over shows its excess in its figures, and an import of old usage
causes no alerts. A threshold is stored once for each limit, so it does not matter how often the check runs. After a
change of the limit, only thresholds above those that were reported at the previous limit cause a warning.

Decision: the desktop program marks a crossing before it asks the system for a notification. If it ends in between, the
bell still has the crossing; a notification shown twice would look like two crossings.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from portal.actions.authority import own_account
from portal.actions.notifications import Notification, Reader, notify, queue
from portal.db.people.accounts import account_named
from portal.db.spending.alerts import alert_settings
from portal.db.spending.crossings import (
    AlertAccount,
    KnownCrossing,
    NewCrossing,
    add_crossing,
    alert_accounts,
    claim_to_notify,
    is_any_to_notify,
    known_crossings,
    mark_read,
)
from portal.mails import CrossingFacts, crossing_letter
from portal.rules.notifications import Channel, Topic
from portal.rules.people.accounts import LOCAL
from portal.rules.people.actors import Actor
from portal.rules.periods import Period, day_of, period_start, resets_at, zone_or
from portal.rules.spending.alerts import CrossingKind, reached, thresholds
from portal.rules.spending.budgets import Limits
from portal.settings import settings

OLD_NEWS = timedelta(days=1)
"""Age from which a crossing is not shown any more, as after a restore."""


class Notice(NamedTuple):
    """A crossing to be shown in `language`, with the tokens of its time; `threshold` is None for a forecast."""

    language: str
    period: Period
    kind: CrossingKind
    threshold: int | None
    consumed: int
    limit: int


def note_crossings(
    session: Session,
    account_ids: Collection[int],
    budget_tz: ZoneInfo,
    now: datetime,
    *,
    limits_before: Limits | None = None,
) -> None:
    """Store the new crossings of accounts, and queue mails for accounts that want them.

    A threshold below a reported threshold causes no warning. `limits_before` are the limits that were in
    force before an administrator or an allowance changed them.
    """
    if not account_ids:
        return
    today = day_of(now, budget_tz)
    all_of = alert_accounts(session, account_ids, today, now)
    candidates = [(account, new) for account in all_of for new in _crossed(account, today)]
    if not candidates:
        return
    known = known_crossings(session, {account.account_id for account, _ in candidates}, today)
    stored: dict[tuple[int, Period], tuple[AlertAccount, NewCrossing, int]] = {}
    for account, new in candidates:
        if (new.account_id, new.period, new.threshold, new.limit) not in known:
            limits = {new.limit, limits_before.in_force(new.period) if limits_before else new.limit}
            is_news = (new.threshold or 0) > _highest_reported(known, new, limits)
            crossing_id = add_crossing(session, new, now, is_read=not is_news)
            if crossing_id is not None and is_news:
                stored[new.account_id, new.period] = account, new, crossing_id
    for account, new, crossing_id in stored.values():  # only the highest of several thresholds gets a mail
        _notify(session, account, new, crossing_id, budget_tz, now)


def note_forecast(session: Session, account_id: int, period: Period, budget_tz: ZoneInfo, now: datetime) -> None:
    """Store that a budget will be exhausted before it resets, once in a period, and queue the mail about it."""
    today = day_of(now, budget_tz)
    for account in alert_accounts(session, {account_id}, today, now):
        limit, consumed = account.limits.in_force(period), account.used[period]
        if limit is None or consumed >= limit:
            return  # the limit was changed, or the budget is exhausted already
        new = NewCrossing(account_id, period, period_start(period, today), CrossingKind.FORECAST, None, consumed, limit)
        crossing_id = add_crossing(session, new, now)
        if crossing_id is not None:
            _notify(session, account, new, crossing_id, budget_tz, now)


def read_crossings(session: Session, actor: Actor, last_id: int, now: datetime) -> None:
    """Mark the crossings of the actor's account as read, up to `last_id`. Raises NotSignedIn."""
    mark_read(session, own_account(session, actor).id, last_id, now)


def is_any_notice_due(connection: Connection, now: datetime) -> bool:
    """Return whether `claim_notices` has something to do; this runs every few seconds."""
    return is_any_to_notify(connection, LOCAL, now - OLD_NEWS)


def claim_notices(session: Session, now: datetime) -> list[Notice]:
    """Return the notifications to show now, which no later call returns; none while the person wants none.

    Of several thresholds of one budget that were crossed together, only the highest is shown.
    """
    own = account_named(session, LOCAL)
    if own is None:
        return []
    shown: dict[tuple[str, str, datetime], Notice] = {}
    for row in claim_to_notify(session, LOCAL, now - OLD_NEWS, now):
        kind, period = CrossingKind(row.kind), Period(row.period)
        notice = Notice(own.language, period, kind, row.threshold, row.consumed, row.limit)
        known = shown.get(key := (row.period, row.kind, row.crossed_at))
        if known is None or (notice.threshold or 0) > (known.threshold or 0):
            shown[key] = notice
    return list(shown.values()) if alert_settings(session, own.id).on_desktop else []


def _highest_reported(known: Collection[KnownCrossing], new: NewCrossing, limits: Collection[int | None]) -> int:
    """Return the highest threshold that was reported in the same period at one of the limits; 0 for none."""
    same = (each for each in known if (each.account_id, each.period) == (new.account_id, new.period))
    return max((each.threshold for each in same if each.limit in limits), default=0)


def _crossed(account: AlertAccount, today: date) -> list[NewCrossing]:
    found, kind = [], CrossingKind.THRESHOLD
    for period, consumed in account.used.items():
        limit = account.limits.in_force(period)
        for percent in reached(consumed, limit, thresholds(*account.chosen)):
            start = period_start(period, today)
            found.append(NewCrossing(account.account_id, period, start, kind, percent, consumed, limit or 0))
    return found


def _notify(
    session: Session, account: AlertAccount, new: NewCrossing, crossing_id: int, budget_tz: ZoneInfo, now: datetime
) -> None:
    """Queue the mail of an account that wants it, and notifications on the other channels of the account."""
    facts = CrossingFacts(
        period=new.period,
        start=new.start,
        kind=new.kind,
        consumed=new.consumed,
        limit=new.limit,
        resets_at=resets_at(new.period, now, budget_tz) if account.limits.resets(new.period) else None,
        display_name=account.display_name,
        language=account.language,
        zone=zone_or(account.time_zone, budget_tz),
    )
    letter = crossing_letter(facts, settings().base_url or "")
    values = {name: value for name, value in new._asdict().items() if name != "account_id"}
    notification = Notification(Topic.ALERT, letter, values | {"start": new.start.isoformat()}, crossing_id)
    reader = Reader(account.account_id, account.username, account.display_name, account.email, account.language)
    if account.wants_mail:
        queue(session, reader, Channel.MAIL, account.email, notification, now)
    notify(session, reader, notification, now)
