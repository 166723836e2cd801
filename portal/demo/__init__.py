"""The demo: made-up people, ninety days of their requests, and a simulated gateway that goes on reporting.

Decisions: everything follows from a seed and the present instant, so that two demos of the same day show the same.
Nothing is written past the ledger: the history goes through the same action as a gateway's reports, the live requests
through the same HTTP route. Keys and passwords here are public; the demo therefore listens on loopback alone.
"""
