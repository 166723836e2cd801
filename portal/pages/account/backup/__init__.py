"""Backup and restore on the profile of the desktop program."""
