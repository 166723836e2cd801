"""What is true without any I/O: values in, values out, `now` passed in.

Decision: this package imports the standard library only, so that every rule of numbers and time can be read, tested
and trusted by itself. Tokens and money are `int`, rates are `Decimal`, instants are aware `datetime`s.
"""
