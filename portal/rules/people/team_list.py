"""What the list of teams can be sorted and filtered by."""

from enum import StrEnum

from portal.rules.lists import ListRules, one_of


class TeamStatus(StrEnum):
    """Whether the members of a team may spend."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


TEAM_LIST = ListRules(
    sorts={"name": str, "cost_centre": str, "members": int, "tokens": int, "cost": int, "level": int},
    plain="name",
    choices={"status": one_of(tuple(TeamStatus))},
)
