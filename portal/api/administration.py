"""The routes of administration. Only a server imports them, so that the desktop program needs no memory for them."""

from portal.api.admin import (
    account,
    account_bulk,
    account_changes,
    account_usage,
    accounts,
    audit,
    budget_requests,
    chargeback,
    default_budgets,
    held,
    notes,
    organisation,
    organisation_requests,
    price_import,
    prices,
    system,
    teams,
    templates,
)

PARTS = (
    default_budgets,
    budget_requests,
    chargeback,
    account_bulk,
    account_changes,
    accounts,
    account,
    account_usage,
    audit,
    held,
    notes,
    organisation,
    organisation_requests,
    prices,
    system,
    price_import,
    teams,
    templates,
)
"""Modules with a router."""
