"""Usage: its values, sums and sources."""
