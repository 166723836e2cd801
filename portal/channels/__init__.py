"""Webhooks and chat services: the delivery of messages to addresses that people enter.

Decision: a process of its own makes each delivery (`process`), and `sending` starts it and ends it when its time is
over. In that process every connection to an address that is not public is refused, whatever library makes it and
whatever a name resolves to by then. A server that answers slowly or without end costs the portal nothing.

Decision: what a server answers is neither stored nor logged, except the status, since it may repeat a secret.
"""
