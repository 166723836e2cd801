"""Adapters: they turn the reports of gateways into usage reports, one module per dialect.

Decision: an adapter reads bytes, or the rows of a file or table, and returns for each event, in order, a `UsageReport`
or a `Rejected` with a reason, so that one bad event never stops the others. It has no access to HTTP or the database,
and returns no API key: it replaces each key by its digest.
"""
