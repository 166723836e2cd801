"""Adapters: from what gateways send to usage reports, one module per dialect.

Decision: an adapter takes bytes, or the rows of a file or table, and gives, for each event in its order, a
`UsageReport` or a `Rejected` with a reason, so that one bad event never stops the others. It knows nothing of HTTP or
the database, and lets no API key through: keys become digests before anything else happens to them.
"""
