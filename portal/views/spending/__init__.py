"""Budgets, prices and costs, as pages and API show them."""
