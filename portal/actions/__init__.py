"""Changes: one function is one transaction and one audit entry.

Decisions: an action takes the session, the `Actor` (who, by which means, from where) and ids of what it changes; pages,
API and commands call the same one. It checks the actor's authority itself (`authority`), since an open page outlives
the rights it was opened with. Usage, notes and marks of what was read have no audit entries.

What hashes a password, or is too much for one transaction, opens its own: hashing takes a quarter of a second, and no
transaction is held open that long.
"""
