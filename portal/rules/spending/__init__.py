"""Budgets, prices, and the decision whether a key may spend."""
