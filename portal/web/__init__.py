"""The server: one ASGI application out of settings, database, API and pages, and the process that runs it.

Decision: pages and API use `visitors` (who is asking) and `bodies` (how large a body may be); all other modules of this
package use them. A check of an origin and the table of body limits exist once, for HTTP requests and websockets alike.
"""
