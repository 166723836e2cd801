"""Importers: read history from files and databases of other programs.

Decision: a reader yields for each row, in order, a `UsageReport` or a `Rejected` with a reason, so that one bad row
never stops the others. A whole file is read before anything is stored; the importer asks about an ambiguous value and
does not guess.
"""
