"""The formats of files that other programs export, one module per program; those of coding agents are in one module.

Decision: a format is data, with one function that changes the fields of a row if they have another meaning in the
program. `recognition.KNOWN` lists all formats.
"""
