"""Changes to budgets and prices, and the authorization of requests."""
