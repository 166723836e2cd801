"""Pages of teams for administrators."""
