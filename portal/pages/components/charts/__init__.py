"""Charts, each with a table of the same numbers for screen readers."""
