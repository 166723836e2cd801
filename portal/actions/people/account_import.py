"""Importing accounts from a file: what each row would do, and all of it in one transaction."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.actions.people.password_resets import (
    PASSWORD_LINK_LASTS,
    LinkDelivery,
    links_can_be_mailed,
    mail_password_link,
    path_of_link,
)
from portal.db.audit import add_entry
from portal.db.people.account_import import add_accounts, add_links, known_to_imports
from portal.db.sql.session import run_in_transaction
from portal.db.tables import Account
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.messages import message
from portal.rules.people.account_import import (
    ImportFile,
    ImportRow,
    Known,
    UnreadableFile,
    checked_rows,
    read_account_file,
)
from portal.rules.people.actors import Actor
from portal.rules.people.secrets import digest
from portal.rules.spending.budgets import Limits


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do: the rows, each with a problem if it is wrong, and what the file is."""

    rows: tuple[ImportRow, ...]
    encoding: str
    separator: str

    @property
    def right(self) -> tuple[ImportRow, ...]:
        """The rows of which accounts can be made."""
        return tuple(row for row in self.rows if row.problem is None)

    @property
    def wrong(self) -> int:
        """The number of rows with a problem."""
        return len(self.rows) - len(self.right)


@dataclass(frozen=True, slots=True)
class ImportedAccount:
    """A new account; `link` is the path of its password link, empty without one or if it was mailed."""

    id: int
    username: str
    display_name: str
    email: str
    link: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The new accounts, the number of rows that were left out, and the end of the links."""

    accounts: tuple[ImportedAccount, ...]
    skipped: int
    links_end_at: datetime


def read_import(content: bytes) -> ImportFile:
    """Return the rows of a file; takes up to a second, so no transaction is open. Raises InvalidInput."""
    try:
        return read_account_file(content)
    except UnreadableFile as error:
        raise InvalidInput(error.sentence, "file") from error


def plan_import(session: Session, actor: Actor, file: ImportFile) -> ImportPlan:
    """Return what an import would do; changes nothing. Raises Forbidden."""
    check_administrator(session, actor)
    return ImportPlan(checked_rows(file.rows, known_to_imports(session)), file.encoding, file.separator)


def import_accounts(
    session: Session,
    actor: Actor,
    file: ImportFile,
    now: datetime,
    *,
    skip_wrong: bool = False,
    links: LinkDelivery = LinkDelivery.SHOW,
) -> ImportResult:
    """Create an account for each right row; all of them or none. Each gets an audit entry.

    Raises Forbidden, and Conflict if a row is wrong unless `skip_wrong`, if no row is right, or if links cannot be
    mailed.
    """
    check_administrator(session, actor)
    if links is LinkDelivery.MAIL and not links_can_be_mailed():
        raise Conflict(message("Mail is not set up, so links cannot be mailed."))
    known = known_to_imports(session)
    plan = ImportPlan(checked_rows(file.rows, known), file.encoding, file.separator)
    if plan.wrong and not skip_wrong:
        raise Conflict(
            message(
                "{wrong} of {all} rows are wrong, so nothing was imported. The preview has the reasons.",
                wrong=plan.wrong,
                all=len(plan.rows),
            )
        )
    if not plan.right:
        raise Conflict(message("No row is right, so nothing was imported. The preview has the reasons."))
    made = _store(session, plan.right, known, now)
    for row, (account, limits) in zip(plan.right, made, strict=True):
        add_entry(session, actor, "account.create", now, account_id=account.id, after=_fields(row, limits))
    tokens = _add_links(session, [account for account, _ in made], links, now)
    add_entry(session, actor, "account.import", now, created=len(made), skipped=plan.wrong)
    shown = [path_of_link(token) if token else "" for token in tokens]
    accounts = [
        ImportedAccount(account.id, account.username, account.display_name, account.email, link)
        for (account, _), link in zip(made, shown, strict=True)
    ]
    return ImportResult(tuple(accounts), plan.wrong, now + PASSWORD_LINK_LASTS)


def _store(
    session: Session, rows: Sequence[ImportRow], known: Known, now: datetime
) -> list[tuple[Account, Limits | None]]:
    try:
        return add_accounts(session, rows, known, now)
    except IntegrityError as error:  # another transaction has just taken a name or a team was deleted
        raise Conflict(
            message("Somebody else has changed accounts or teams meanwhile. Look at the preview again.")
        ) from error


def _add_links(session: Session, made: Sequence[Account], links: LinkDelivery, now: datetime) -> list[str]:
    """Store the links; return the token of each account, empty without links."""
    if links is not LinkDelivery.SHOW:
        return [""] * len(made)
    tokens = [secrets.token_urlsafe(32) for _ in made]
    hashes = [(account.id, digest(token)) for account, token in zip(made, tokens, strict=True)]
    add_links(session, hashes, now, now + PASSWORD_LINK_LASTS)
    return tokens


def mail_links(actor: Actor, account_ids: Sequence[int], now: datetime) -> int:
    """Mail a password link to each of these accounts; return how many were queued.

    Opens its own transactions, a small one for each mail, since to write thousands of mails takes long.
    """
    queued = 0
    for account_id in account_ids:
        with suppress(Conflict, NotFound):  # suspended or deleted meanwhile
            run_in_transaction(mail_password_link, actor, account_id, now)
            queued += 1
    return queued


def _fields(row: ImportRow, limits: Limits | None) -> dict[str, object]:
    values: dict[str, object] = {
        "username": row.username,
        "email": row.email,
        "display_name": row.name,
        "role": row.role,
    }
    if limits is not None:
        values["budget"] = asdict(limits)
    return values | {name: text for name in ("team", "template") if (text := getattr(row, name))}
