"""Changes of many rows of a list at once: choosing the rows, and the progress of the change."""
