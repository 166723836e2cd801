"""What the list of budget requests can be sorted and filtered by."""

from datetime import datetime

from portal.rules.lists import ListRules, one_of, text_choice
from portal.rules.periods import Period
from portal.rules.spending.budget_requests import RequestState

DECIDED, EVERY_STATE = "decided", "all"
"""The choices of all requests with an answer, and of all requests; without a choice, the list has the open ones."""

REQUEST_LIST = ListRules(
    sorts={"asked": datetime, "person": str, "team": str, "tokens": int, "state": str, "decided": datetime},
    plain="-asked",
    choices={
        "state": one_of((*RequestState, DECIDED, EVERY_STATE)),
        "period": one_of(tuple(Period)),
        "team": text_choice,
    },
)
