"""Everything that the tables have about one person, as rows to export.

Decision: the columns of a table are exported as they are, so that a new column is exported without a change here. Left
out are secrets, and digests that only the portal understands. `tests/db/people/test_export.py` fails for a new table
with a column that refers to an account until it is listed here, in `PARTS` or in `LEFT_OUT`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, inspect, null, select
from sqlalchemy.orm import Session

from portal.db.people.held_names import held_events_naming
from portal.db.tables import (
    Account,
    AlertSettings,
    Allowance,
    ApiKey,
    AuditEntry,
    Budget,
    BudgetRequest,
    Crossing,
    ImportedAccount,
    KeyBudget,
    Note,
    NotificationChannel,
    NotificationChoice,
    OutboxMessage,
    Reservation,
    ResetLink,
    SignInFailure,
    Table,
    TeamManager,
    UsageDaily,
    UsageEvent,
    UsagePruned,
)
from portal.db.tables import Session as SessionRow
from portal.rules.messages import Message, message
from portal.rules.outbox import Kind
from portal.rules.text import email_key

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of data: the name of its files, a sentence about it, and the rows of `table` that belong to a person."""

    name: str
    about: Message
    table: type[Table]
    owned: Callable[[Account], ColumnElement[bool]]
    without: frozenset[str] = frozenset()


def _own(table: Any) -> Callable[[Account], ColumnElement[bool]]:
    return lambda own: table.account_id == own.id


def _part(name: str, about: Message, table: Any, *without: str) -> Part:
    return Part(name, about, table, _own(table), frozenset(without))


def _names(own: Account) -> set[str]:
    return {name for name in (own.username, own.email.lower(), email_key(own.email)) if name}


PARTS = (
    Part(
        "account",
        message("Name, address, role and preferences. The hash of the password is left out."),
        Account,
        lambda own: Account.id == own.id,
        frozenset({"password_hash", "email_key"}),
    ),
    _part("budget", message("The limits of the account, in billable tokens. Empty: no limit."), Budget),
    _part("allowances", message("Tokens that were added to a limit for some time, and why."), Allowance),
    _part("budget-requests", message("What was asked for, and what was answered."), BudgetRequest),
    _part(
        "keys",
        message("API keys with their labels. Only the first characters of a key are stored, and a digest, left out."),
        ApiKey,
        "key_hash",
    ),
    Part(
        "key-budgets",
        message("The limits of API keys, in billable tokens. Empty: no limit."),
        KeyBudget,
        lambda own: KeyBudget.api_key_id.in_(select(ApiKey.id).where(ApiKey.account_id == own.id)),
    ),
    _part("managed-teams", message("The teams that the person manages."), TeamManager),
    _part("sessions", message("Browsers that are signed in, with their addresses."), SessionRow, "token_hash"),
    Part(
        "wrong-passwords",
        message("Sign-ins that failed lately, and requests for a new password."),
        SignInFailure,
        lambda own: SignInFailure.name.in_(_names(own)),
    ),
    _part(
        "password-links", message("When links to set a password were made. They are left out."), ResetLink, "token_hash"
    ),
    _part(
        "requests",
        message("Every request: when, with which model and key, its tokens, and its cost in billionths of a euro."),
        UsageEvent,
        "fingerprint",
    ),
    _part("daily-sums", message("The sums of the requests by day, model and key."), UsageDaily),
    _part("older-sums", message("The sums of older requests, which are no longer kept one by one."), UsagePruned),
    _part("notes", message("Notes on requests. usage_id is the id of the request."), Note),
    _part("alert-settings", message("When budget alerts are sent, and where to."), AlertSettings),
    _part("crossings", message("Budget alerts: which threshold was crossed, and when."), Crossing),
    _part("notification-choices", message("Which notifications are wanted."), NotificationChoice),
    _part(
        "notification-channels",
        message("Where notifications go. Addresses and secrets of services are left out."),
        NotificationChannel,
        "url",
        "secret",
    ),
    _part("mails", message("Mails and other messages. Texts are kept until they are sent."), OutboxMessage, "html"),
    _part("reservations", message("Tokens that are reserved for requests that run at present."), Reservation),
    _part("imports", message("A digest of the person in the system from which usage was imported."), ImportedAccount),
    _part("audit", message("The audit log: what was changed about the account, when, and by whom."), AuditEntry),
)
HELD = "held-events"
HELD_ABOUT = message("Reports of gateways that name the person and could not be counted yet.")

LEFT_OUT = {
    "admin_tokens": "of administration, and listed there",
    "gateways": "the owner of a gateway is the person of a desktop program, where nobody exports a person",
    "key_counters": "sums of the same requests",
    "usage_by_model": "sums of the same requests",
    "usage_counters": "sums of the same requests",
    "usage_hourly": "sums of the same requests",
}
"""Tables with rows of an account that are not exported, with the reason."""

_AT_ONCE = 1000


def rows_of(session: Session, own: Account, part: Part) -> tuple[tuple[str, ...], Iterator[Row]]:
    """Return the names of a part's columns and its rows, which are read as they are used."""
    columns = [column for column in part.table.__table__.columns if column.name not in part.without]
    wanted = select(*(_readable(part, column) for column in columns)).where(part.owned(own))
    keys = inspect(part.table).primary_key
    found = session.execute(wanted.order_by(*keys).execution_options(yield_per=_AT_ONCE)).mappings()
    return tuple(column.name for column in columns), (dict(row) for row in found)


def held_rows(session: Session, own: Account) -> Iterator[Row]:
    """Yield the held events that name the person."""
    for held_id, payload in held_events_naming(session, own):
        yield {"id": held_id, "report": payload}


def _readable(part: Part, column: Any) -> Any:
    """Return a column to select; the text of a mail with a password link is a secret."""
    if part.table is OutboxMessage and column.name == "text":
        return case((OutboxMessage.kind.in_((Kind.RESET, Kind.LINK)), null()), else_=column).label("text")
    return column
