"""The routes of administration. Only a server imports them, so that the desktop program needs no memory for them."""

from portal.api.admin import account_bulk, account_changes, accounts, audit, held, organisation, prices, teams

PARTS = (account_bulk, account_changes, accounts, audit, held, organisation, prices, teams)
"""Modules with a router."""
