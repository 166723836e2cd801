"""Held events: the list, and the dialogs that settle them."""
