"""Tables, queries and the door to the database.

Decisions: usage events are append-only; counters and daily roll-ups are written in the transaction that stores the
events, never by a job, and a new period is a new row. SQLAlchemy is used synchronously, on threads. Reads run in a
snapshot of their own (`reading`), so that all figures of one page are of one moment; writes on SQLite begin with
BEGIN IMMEDIATE, since a read that turns into a write can fail there whatever the busy timeout.
"""
