"""Changes: one function is one transaction and one audit entry.

Decisions: an action takes the session, the `Actor` (who, by which means, from where) and ids of what it changes; pages,
API and commands call the same one. It checks the rights of the actor itself (`authority`), since a page may stay open
after the rights have changed. Usage, notes and read marks have no audit entries.

An action that hashes a password, or is too large for one transaction, opens its own transactions: hashing takes 0.25
seconds, and no transaction stays open that long.
"""
