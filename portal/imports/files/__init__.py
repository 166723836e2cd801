"""Rows of files that other programs export: CSV, JSON and Parquet, each but the last also gzipped.

JSON is one object a line, an array, or objects one after the other, each on one or more lines. An answer of an API has
several rows (see `api_answers`).

Decisions: the first bytes of a file decide its kind, not its name. A file is read as a stream, so that memory does not
grow with it. A row that cannot be read is a `Flaw` in its place, so that the others can be read; and a file gives the
same rows in the same order each time, so that an interrupted import can continue.
"""
