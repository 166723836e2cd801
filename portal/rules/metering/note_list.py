"""What the search in the notes of all people can be sorted and filtered by."""

from datetime import datetime

from portal.rules.lists import ListFilter, ListRules, text_choice

NOTE_LIST = ListRules(sorts={"updated": datetime}, plain="-updated", choices={"account": text_choice})


def is_look(wanted: ListFilter) -> bool:
    """Return whether a filter shows notes: notes are personal, so that none are shown without a search or a person."""
    return bool(wanted.search or wanted.choice("account"))
