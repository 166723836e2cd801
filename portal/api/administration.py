"""The routes of administration. Only a server imports them, so that the desktop program needs no memory for them."""

from portal.api.admin import account_changes, accounts, audit, held, organisation, prices

PARTS = (account_changes, accounts, audit, held, organisation, prices)
"""Modules with a router."""
