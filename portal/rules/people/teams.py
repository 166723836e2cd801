"""Teams: the form in which their names are compared."""

import unicodedata

MOST_COST_CENTRE = 64
"""Characters of a cost centre."""


def team_key(name: str) -> str:
    """Return the form in which names of teams are compared: without upper case, composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
