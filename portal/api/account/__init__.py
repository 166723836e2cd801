"""Routes for the signed-in account, and `/api/v1/budget` for programs with a person's API key."""
