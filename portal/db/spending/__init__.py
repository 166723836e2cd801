"""Budgets, prices, reservations and crossings."""
