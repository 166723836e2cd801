"""How the cost of a row of Billing came about."""
