"""Routes of a person: the signed-in account, and `/api/v1/budget` for a program with that person's API key."""
