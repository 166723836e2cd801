"""Importers: read history from files and databases of other programs.

Decision: a reader yields, for each row in its order, a `UsageReport` or a `Rejected` with a reason, so that one bad
row never stops the others. A file is read as a whole before anything is stored; an ambiguous value is asked, not
guessed.
"""
