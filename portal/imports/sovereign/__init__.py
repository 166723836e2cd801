"""The importer of a MoE Sovereign: `source` reads its database, `people` and `usage` map rows, `run` stores them.

Source of the rules: its public code, as of September 2026. Its tables have no version, and columns have been added over
time; a column that is missing reads as null. Instants are ISO text; those without an offset are UTC.

Decisions:
- The id of a request is that of its row in `usage_log`, which is unique; its `request_id` is not: one request may be
  logged in several turns, each with its own tokens. A program that reports the same rows live sends that id.
- The source does not store what a request was billed with, so no cost factor is reported with it.
- A limit of 0 is no limit, since the source does not enforce it; here it would allow nothing.
- The active template is the first granted one by id: the source uses it unless a request names another one.
- Of two names that differ only by upper and lower case, the older account is imported.
- The source stores time zones as hours from UTC, and 0 also means that nobody has chosen; then the browser decides.
- The last use of a key follows from its usage: in the source a request counts as a use of all keys of its person.
"""
