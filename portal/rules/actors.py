"""Who changes something: what actions check, and what the audit log names."""

from dataclasses import dataclass
from enum import StrEnum


class Means(StrEnum):
    """By which means a change reaches the portal."""

    SESSION = "session"
    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    SETUP_LINK = "setup link"
    RESET_LINK = "reset link"
    DEMO = "portal demo"
    VISITOR = "visitor"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, by which means, and from which address where that is known.

    `account_id` is None for whoever acts without an account: an operator on the server, or the holder of a link.
    """

    means: Means
    name: str = ""
    account_id: int | None = None
    address: str | None = None

    def __str__(self) -> str:
        """Return the name in the audit log: the user name, or the means with the name of the operator."""
        if self.means is Means.SESSION:
            return self.name
        return f"{self.means} ({self.name})" if self.name else self.means.value
