"""Background jobs of the server.

Decision: a job is an asyncio task of the server that works on threads. If several servers share a database, the
database decides which server does the work.
"""
