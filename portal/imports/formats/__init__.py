"""The formats of files that other programs export, one module per program.

Decision: a format is data, with one function that changes the fields of a row where a program means something else by
them. `recognition.KNOWN` lists all formats.
"""
