"""The server: one ASGI application out of settings, database, API and pages, and the process that runs it.

Decision: `visitors` (who is asking) stands below pages and API, which both use it; everything else here stands above
them. A check of an origin and the table of body limits exist once, for HTTP requests and websockets alike.
"""
