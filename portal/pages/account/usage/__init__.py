"""Usage History: its page, its card with table and sums, its filters, and the dialog for notes."""
