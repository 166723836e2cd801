"""Usage History: its page, its card with table and sums, its filters, and the dialog for notes.

A column is a field of `portal.db.metering.usage.UsageRow` and an entry in `table`.
"""
