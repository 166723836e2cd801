"""The words of Organisation Usage: what it is grouped by, its ranges, and groups without a name."""

from portal.rules.messages import message
from portal.rules.metering.organisation import Grouping, Measure, Span
from portal.words import say

GROUPINGS = {
    Grouping.ACCOUNT: message("Account"),
    Grouping.TEAM: message("Team"),
    Grouping.COST_CENTRE: message("Cost centre"),
    Grouping.MODEL: message("Model"),
    Grouping.MODE: message("Mode"),
    Grouping.GATEWAY: message("Gateway"),
    Grouping.DAY: message("Day"),
    Grouping.MONTH: message("Month"),
}
MEASURES = {
    Measure.TOKENS: message("Billable tokens"),
    Measure.COST: message("Cost"),
    Measure.REQUESTS: message("Requests"),
}
SPANS = {
    Span.MONTH: message("This month"),
    Span.LAST_MONTH: message("Last month"),
    Span.DAYS_30: message("30 days"),
    Span.DAYS_90: message("90 days"),
    Span.YEAR: message("1 year"),
}
_NAMELESS = {
    Grouping.TEAM: message("No team"),
    Grouping.COST_CENTRE: message("No cost centre"),
    Grouping.GATEWAY: message("Unknown gateway"),
}


def group_label(by: Grouping, key: str) -> str:
    """Return the name of a group; one without a name is no team, no cost centre or an unknown gateway."""
    return key or (say(_NAMELESS[by]) if by in _NAMELESS else "–")
