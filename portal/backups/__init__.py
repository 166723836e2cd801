"""Backups: one file with everything of a portal, and restoring it into SQLite or PostgreSQL.

Decisions:
- A backup is a ZIP file: `manifest.json`, and the data, either as a SQLite database (`portal.sqlite3`) or as pg_dump's
  custom format (`portal.dump`). The manifest has the counts of rows and the sums of the ledger, measured in the same
  snapshot as the data. It is written under another name, synced and renamed, so there is never half a file.
- The SQLite form can be restored into both databases, so a desktop program and a server can exchange data. The pg_dump
  form is faster for large servers, and PostgreSQL's own programs read it too.
- Sessions, setup links and links for forgotten passwords are not part of a backup; nor is the data directory, where
  the key of NiceGUI's cookie is. After a restore everybody signs in again.
- Restoring is all or nothing: the new content is prepared and checked in a file of its own, then it replaces the old
  one in one transaction: by SQLite's backup API, or on PostgreSQL by dropping, creating and filling the tables.
- From a dump only the rows of known tables are used, read by pg_restore and stored with COPY; no SQL of a dump is run.
  A SQLite form with other tables, triggers or views than its schema has is refused.
- A restore is refused while another program uses the database: open pages know accounts and sessions by their numbers,
  which mean other people afterwards. Only the desktop program restores while it runs, since it gives its session a new
  number and loads its pages again.
- A damaged SQLite database is not backed up, since the file would replace a good one.
- Both take the same memory for any number of rows; pysqlite3 keeps temporary tables in memory, so a copy is
  packed by VACUUM INTO. Only a file with other pages than the database is packed by VACUUM.
- A backup with sums that differ from its events can be restored, since its manifest proves that nothing was lost; the
  differences are reported, and `portal rebuild` corrects them.
"""
