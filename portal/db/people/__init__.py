"""Accounts, their keys, sessions and links."""
