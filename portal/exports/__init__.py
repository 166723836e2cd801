"""Files that people download and commands write, from views and tables.

Decision: a file is made piece by piece, as its reader takes it, so that its size costs no memory.
"""
