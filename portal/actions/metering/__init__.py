"""Storing, correcting, verifying and removing usage."""
