"""Organisation Usage: its page, its chart, and the list of the requests behind its figures."""
