"""The server: one ASGI application made of settings, database, API and pages, and the process that runs it.

Decision: pages and API import only `visitors` (the account or gateway of a request) and `bodies` (the limits of bodies)
from this package. The check of hosts and origins (`origins`) and the table of body limits exist once, for HTTP requests
and websockets.
"""
