"""Adapters: from what gateways send to usage reports, one module per dialect.

Decision: an adapter takes bytes, or the rows of a file or table, and gives, for each event in its order, a
`UsageReport` or a `Rejected` with a reason, so that one bad event never stops the others. It has no access to
HTTP or the database, and returns no API key: keys are digested first of all.
"""
