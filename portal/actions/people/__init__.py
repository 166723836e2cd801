"""Changes to accounts, keys, sessions and passwords."""
