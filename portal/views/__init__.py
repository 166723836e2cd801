"""Values for pages and JSON: functions `(session, account, now) -> frozen dataclass`.

Decision: a view is loaded in one snapshot of the database, so that all of its figures are consistent.
"""
