"""What changes: one function is one transaction and, where a person did it, one audit row.

Decision: an action takes the session first and the account it acts for second, and checks ownership itself, since an
open page outlives the rights it was opened with. Only signing in opens its own transactions: hashing a password takes
a quarter of a second, and no transaction is held open that long.
"""
