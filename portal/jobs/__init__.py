"""What runs on its own while the portal runs.

Decision: a job is an asyncio task of the server that works on threads. Where several servers share a database, the
database decides which one of them does it.
"""
