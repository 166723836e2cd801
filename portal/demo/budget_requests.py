"""Requests of the demo's people for more tokens: two wait, two were decided by the administrator."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.actions.spending.budget_requests import approve_request, ask_for_more, decline_request
from portal.db.people.accounts import account_named
from portal.demo.people import ADMIN, OWNER
from portal.rules.people.actors import Actor, Means
from portal.rules.periods import Period
from portal.rules.spending.allowances import usual_end
from portal.settings import settings


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """A request, asked some hours ago; `granted` tokens approve it, an `answer` without them declines it."""

    username: str
    period: Period
    tokens: int
    reason: str
    hours: int
    granted: int = 0
    answer: str = ""


REQUESTS = (
    DemoRequest(
        "haruka.tanaka",
        Period.DAILY,
        4_000_000,
        "The translation desk wants the whole archive by Friday.",
        hours=51,
        answer="Please spread it over the week, the gateway is full in the afternoon.",
    ),
    DemoRequest(
        "aylin.demir",
        Period.MONTHLY,
        800_000,
        "Second run of the review benchmark: the first one had the wrong revision.",
        hours=29,
        granted=500_000,
        answer="Half a million is enough for one run.",
    ),
    DemoRequest("lena.brandt", Period.TOTAL, 3_000_000, "My thesis is extended by one semester.", hours=20),
    DemoRequest(
        OWNER,
        Period.TOTAL,
        2_000_000,
        "The project runs until March, and the reviewer needs about two million tokens for the rest of the contracts.",
        hours=3,
    ),
)


def add_requests(session: Session, now: datetime) -> None:
    """Ask and decide, each at its time, oldest first."""
    for wanted in REQUESTS:
        asked = now - timedelta(hours=wanted.hours)
        person = _actor(session, wanted.username)
        number = ask_for_more(session, person, wanted.period, wanted.tokens, wanted.reason, asked)
        decider, decided = _actor(session, ADMIN), asked + timedelta(hours=2)
        if wanted.granted:
            end = usual_end(wanted.period, now, settings().budget_zone)
            approve_request(session, decider, number, decided, tokens=wanted.granted, ends_at=end, answer=wanted.answer)
        elif wanted.answer:
            decline_request(session, decider, number, wanted.answer, decided)


def _actor(session: Session, username: str) -> Actor:
    found = account_named(session, username)
    if found is None:
        raise RuntimeError(f"the demo's account {username} is missing")
    return Actor(Means.SESSION, found.username, found.id)
