"""Accounts, keys, secrets and those who act."""
