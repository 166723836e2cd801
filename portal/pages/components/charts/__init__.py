"""Charts: bars for the eye, and the same numbers as a table for everybody else."""
