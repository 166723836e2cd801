"""One email address belongs to one account, and people can be named by it; accounts can be deleted.

Why       Usage is reported by email address as well as by user name, so an address must belong to one account.
Old rows  Get the form of their address in which addresses are compared. Where several accounts have one address, the
          migration asks which of them keeps it and changes nothing before that is answered; the others have none
          afterwards, and the audit log tells so. No account is deleted yet.
Cost      One update of each account, and one index over them: a moment on both databases.
Undo      Lets several accounts have one address again. Addresses that were taken away do not come back.
"""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ACCOUNTS = sa.table(
    "accounts",
    sa.column("id", sa.BigInteger),
    sa.column("username", sa.String),
    sa.column("email", sa.String),
    sa.column("email_key", sa.Text),
)
AUDIT = sa.table(
    "audit_log",
    sa.column("at", INSTANT),
    sa.column("actor", sa.String),
    sa.column("action", sa.String),
    sa.column("account_id", sa.BigInteger),
    sa.column("details", sa.Text),
)


def upgrade() -> None:
    op.add_column("accounts", sa.Column("email_key", sa.Text(), nullable=True))
    op.add_column("accounts", sa.Column("deleted_at", INSTANT, nullable=True))
    connection = op.get_bind()
    owners: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(sa.select(ACCOUNTS.c.id, ACCOUNTS.c.username, ACCOUNTS.c.email)).all():
        if key := email_key(row.email):
            owners[key].append(row)
    decide(owners.values())
    for key, (keeper, *others) in owners.items():
        set_email(keeper.id, keeper.email, key)
        for row in others:
            set_email(row.id, "", None)
            note_in_audit_log(row.id, keeper.id)
    op.create_index("ix_accounts_email_key", "accounts", ["email_key"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_accounts_email_key", "accounts")
    op.drop_column("accounts", "deleted_at")
    op.drop_column("accounts", "email_key")


def decide(shared: Iterable[list[Any]]) -> None:
    """Put the account that keeps an address first; have the program ask where that has not been answered."""
    keep = context.config.attributes.get("keep_email", ())
    undecided = {}
    for rows in shared:
        rows.sort(key=lambda row: (row.username not in keep, row.id))
        if len(rows) > 1 and sum(row.username in keep for row in rows) != 1:
            undecided[rows[0].email] = [row.username for row in sorted(rows, key=lambda row: row.id)]
    if undecided:
        context.config.attributes["shared_emails"] = undecided
        raise ValueError("several accounts have one email address")


def set_email(account_id: int, email: str, key: str | None) -> None:
    op.execute(ACCOUNTS.update().where(ACCOUNTS.c.id == account_id).values(email=email, email_key=key))


def note_in_audit_log(account_id: int, keeper_id: int) -> None:
    now = datetime.now(UTC)
    at = now.replace(tzinfo=None) if op.get_context().dialect.name == "sqlite" else now
    details = json.dumps({"kept_by": keeper_id})
    entry = {"at": at, "actor": "migration", "action": "account.email", "account_id": account_id, "details": details}
    op.execute(AUDIT.insert().values(entry))


def email_key(address: str) -> str | None:
    """Return the form in which addresses are compared."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address.strip()).casefold()) or None
