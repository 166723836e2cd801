"""Requests for more tokens, on the cards of the budgets."""
