"""Values to be shown: `(session, who, now) -> frozen dataclass`, the same for pages and JSON.

Decision: a view is loaded in one snapshot of the database, so that all of its figures are of one moment and tie.
"""
