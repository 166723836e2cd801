"""Accounts and keys, as pages and API show them."""
