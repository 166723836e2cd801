"""What the list of held events can be sorted and filtered by."""

from datetime import datetime

from portal.rules.lists import ListRules, one_of, text_choice

UNATTRIBUTED, CONFLICT = "unattributed", "conflict"
REASONS = (UNATTRIBUTED, CONFLICT)
"""Why an event is held: nobody has its key or name, or its id is stored with different content."""
SETTLED = "settled"
EVERY_STATE = "all"
"""The choice of all events; without a choice, the list has those that wait for a decision."""

HELD_LIST = ListRules(
    sorts={"received": int, "requested": datetime, "gateway": str},
    plain="-received",
    choices={"gateway": text_choice, "reason": one_of(REASONS), "state": one_of((SETTLED, EVERY_STATE))},
)
"""`received` sorts by number: events get their numbers in the order in which they arrive."""
