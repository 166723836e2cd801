"""Rows of files that other programs export: CSV and JSON, also gzipped, and Parquet.

JSON is one object per line, an array, or a sequence of objects, each on one or more lines. An answer of an API has
several rows (see `json_rows`).

Decisions: the first bytes of a file decide its kind, not its name. A file is read as a stream, so that memory does not
grow with its size. An unreadable row becomes a `Flaw` in its place, so that the others can be read. A file has the same
rows in the same order each time it is read, so that an interrupted import can continue.
"""
