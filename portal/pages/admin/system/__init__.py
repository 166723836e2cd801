"""The page System: its cards, and the dialogs for admin tokens."""
