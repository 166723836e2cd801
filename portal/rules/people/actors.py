"""The person or program that changes something: actions check it, the audit log names it."""

from dataclasses import dataclass
from enum import StrEnum


class Means(StrEnum):
    """The way by which a change reaches the portal."""

    SESSION = "session"
    ACTING = "acting as a person"
    ADMIN_TOKEN = "admin token"  # noqa: S105  # the name of a means, not a token
    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    SETUP_LINK = "setup link"
    RESET_LINK = "reset link"
    DESKTOP = "desktop program"
    DEMO = "portal demo"
    VISITOR = "visitor"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or program that changes something, the means, and the network address if it is known.

    `account_id` is None for those who act without an account: an operator on the server, or the holder of a link. With
    Means.ACTING it is the person whom the administrator `name` sees the portal as; such an actor changes nothing. For
    an admin token it is the account of its creator, and `name` is the label of the token.
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
