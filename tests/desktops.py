"""The desktop program in tests: its settings, without its window."""

import re
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from portal.db.tables import Account
from portal.desktop.settings import DesktopSettings
from portal.rules.people.accounts import LOCAL
from portal.settings import use
from tests.cast import create_member, run


def use_desktop(data_dir: Path | None = None, kept_port: int | None = None) -> DesktopSettings:
    """Make this process the desktop program, with its data in `data_dir`; the fixture of all tests ends it."""
    values: dict[str, Any] = {"data_dir": data_dir} if data_dir else {}
    chosen = DesktopSettings(**values, kept_port=kept_port)
    use(chosen)
    return chosen


def create_local() -> Account:
    """Create the local account as the first start of the program does."""
    account = create_member(LOCAL, role="admin", time_zone="Europe/Berlin", password_hash=None)
    run(clear_email, account.id)
    return account


def clear_email(session: Session, account_id: int) -> None:
    """Remove the email address of an account, since the local account has none."""
    session.get_one(Account, account_id).email = ""


SERVER_WORDS = re.compile(
    r"administrat|operator|sign(ed)? (in|out)|passw|sessions?\b|organi[sz]ation|your account|e-?mail|user ?name"
    r"|anmeld|abmeld|kennwort|sitzung|betreiber|ihr konto|benutzername",
    re.IGNORECASE,
)
"""Words of a server, which a person alone on a computer does not meet on any page."""
