"""Notifying administrators of what needs them: each once, and not more often than they can act on it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from portal.actions.notifications import Notification, notify_administrators
from portal.db.metering.verification import last_verification
from portal.db.notifications import (
    Latest,
    given_up_since,
    held_latest,
    lock_marks,
    set_mark,
    silent_gateways,
    unpriced_latest,
)
from portal.db.tables import NotificationMark
from portal.mails import Letter, formats_of
from portal.mails.operations import (
    given_up_letter,
    held_letter,
    silent_letter,
    unpriced_letter,
    verification_letter,
)
from portal.rules.notifications import Topic
from portal.settings import settings

PAUSE = timedelta(hours=6)
"""Between two notifications of more unpriced or held events, or messages given up."""
OLD_SILENCE = timedelta(days=7)
"""A gateway that has not reported for longer was probably switched off, as known by the administrators."""


def watch(session: Session, now: datetime) -> int:
    """Queue the notifications that are due; return their number. Several servers may call this at the same time."""
    marks = lock_marks(session, now)
    base_url = (settings().base_url or "").rstrip("/")
    return (
        _verification(session, marks, base_url, now)
        + _silent(session, marks, base_url, now)
        + _more(session, marks, Topic.UNPRICED, unpriced_latest(session), unpriced_letter, base_url, now)
        + _more(session, marks, Topic.HELD, held_latest(session), held_letter, base_url, now)
        + _given_up(session, marks, base_url, now)
    )


def _verification(session: Session, marks: Mapping[str, NotificationMark], base_url: str, now: datetime) -> int:
    last = last_verification(session)
    name = Topic.VERIFICATION.value
    if last is None or not last.differences or _is_known(marks, name, last.day.isoformat()):
        return 0
    set_mark(session, name, last.day.isoformat(), now)
    letter = verification_letter(last.differences, base_url)
    values = {"day": last.day.isoformat(), "differences": last.differences}
    notify_administrators(session, lambda _: Notification(name, letter, values), now)
    return 1


def _silent(session: Session, marks: Mapping[str, NotificationMark], base_url: str, now: datetime) -> int:
    minutes = settings().notify_silent_minutes
    if not minutes:
        return 0
    found = silent_gateways(session, now - timedelta(minutes=minutes), now - OLD_SILENCE)
    new = [each for each in found if not _is_known(marks, f"{Topic.SILENT}:{each[0]}", each[2].isoformat())]
    for gateway_id, name, since in new:
        set_mark(session, f"{Topic.SILENT}:{gateway_id}", since.isoformat(), now)
        notify_administrators(session, partial(_silence, gateway_id, name, since, base_url), now)
    return len(new)


def _silence(gateway_id: int, name: str, since: datetime, base_url: str, language: str) -> Notification:
    when = formats_of(language, settings().budget_zone).full_moment(since)
    values = {"gateway": name, "since": since.isoformat()}
    return Notification(Topic.SILENT, silent_letter(gateway_id, name, when, base_url), values)


def _given_up(session: Session, marks: Mapping[str, NotificationMark], base_url: str, now: datetime) -> int:
    mark = marks.get(Topic.GIVEN_UP)
    number = given_up_since(session, mark.at if mark else now - timedelta(days=1))
    if not number or (mark and now - mark.at < PAUSE):
        return 0
    set_mark(session, Topic.GIVEN_UP, "", now)
    letter, values = given_up_letter(number, base_url), {"count": number}
    notify_administrators(session, lambda _: Notification(Topic.GIVEN_UP, letter, values), now)
    return 1


def _more(
    session: Session,
    marks: Mapping[str, NotificationMark],
    topic: Topic,
    latest: Latest,
    write: Callable[[int, str], Letter],
    base_url: str,
    now: datetime,
) -> int:
    """Notify of rows that are newer than the newest one of the last time, and after a pause."""
    mark = marks.get(topic)
    if not latest.number or (mark and (now - mark.at < PAUSE or int(latest.newest) <= int(mark.value))):
        return 0
    set_mark(session, topic, latest.newest, now)
    letter, values = write(latest.number, base_url), {"count": latest.number}
    notify_administrators(session, lambda _: Notification(topic, letter, values), now)
    return 1


def _is_known(marks: Mapping[str, NotificationMark], name: str, value: str) -> bool:
    return name in marks and marks[name].value == value
