"""What the list of expert templates can be sorted by."""

from portal.rules.lists import ListRules

TEMPLATE_LIST = ListRules(sorts={"name": str, "models": int, "accounts": int}, plain="name")
