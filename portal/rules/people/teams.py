"""Teams: their values, and the form in which their names are compared."""

import hashlib
import unicodedata
from dataclasses import dataclass, field

from portal.rules.messages import message
from portal.rules.spending.budgets import Limits
from portal.rules.text import clean_line

MOST_NAME = 64
"""Characters of a name."""
MOST_COST_CENTRE = 64
"""Characters of a cost centre."""


@dataclass(frozen=True, slots=True)
class TeamValues:
    """What administrators edit of a team; the limits are those of a subscription."""

    name: str
    cost_centre: str = ""
    active: bool = True
    limits: Limits = field(default_factory=Limits)

    @property
    def version(self) -> str:
        """Return a text that differs after each change, so that two people cannot overwrite each other's changes."""
        limits = self.limits.daily, self.limits.monthly, self.limits.total
        values = repr((self.name, self.cost_centre, self.active, limits))
        return hashlib.sha256(values.encode()).hexdigest()[:16]


def team_key(name: str) -> str:
    """Return the form in which names of teams are compared: without upper case, composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def clean_team_name(text: str) -> str:
    """Return the name of a team as it is stored. Raises InvalidText."""
    return clean_line(text, message("The name"), MOST_NAME)


def clean_cost_centre(text: str) -> str:
    """Return a cost centre as it is stored; it may be empty. Raises InvalidText."""
    return clean_line(text, message("The cost centre"), MOST_COST_CENTRE, empty=True)
