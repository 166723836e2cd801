"""Rules without I/O: they take values, `now` among them, and return values.

Decision: this package imports the standard library only, so that every rule of numbers and time can be read and tested
alone. Tokens and money are `int`, rates are `Decimal`, instants are aware `datetime`s.
"""
