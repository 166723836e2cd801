"""The demo: sample people, ninety days of their requests, and a simulated gateway that continues to report.

Decisions: all data follow from a seed and the present instant, so that two demos of the same day are equal. The history
uses the same action as reports of gateways, and live requests use the same HTTP route. Keys and passwords here are
public, so the demo listens on loopback only.
"""
