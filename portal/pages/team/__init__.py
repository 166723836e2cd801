"""The page of a team, and the parts that it shares with the page for administrators."""
