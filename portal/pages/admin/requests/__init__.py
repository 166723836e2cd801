"""Requests for more tokens, for administrators and for managers of teams."""
