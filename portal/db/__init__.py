"""Tables, queries and transactions.

Decisions: usage events are only added, never changed. The transaction that stores events also writes the counters and
daily roll-ups; no job does. `TOTALS` and `SHARED_TOTALS` in `db.metering.totals` list all tables of sums. A new period
is a new row. SQLAlchemy runs synchronously, on threads. A read uses one snapshot (`reading`), so that all figures of a
page belong to the same moment. A write on SQLite begins with BEGIN IMMEDIATE, because SQLite may refuse to turn a read
into a write, whatever the busy timeout.
"""
