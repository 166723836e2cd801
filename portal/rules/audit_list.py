"""What the audit log can be filtered by; days are those of the budget time zone."""

from datetime import datetime

from portal.rules.lists import ListRules, day_choice, text_choice

AUDIT_LIST = ListRules(
    sorts={"at": datetime},
    plain="-at",
    choices={"actor": text_choice, "action": text_choice, "target": text_choice, "from": day_choice, "to": day_choice},
    searches=False,
)
KINDS = ("account", "team", "key", "gateway", "template", "price", "held", "mail", "admin_token")
"""Kinds of targets: a target is `kind:name`."""
