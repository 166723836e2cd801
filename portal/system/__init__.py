"""Services of the operating system, for the desktop program: folders, start at sign-in, notifications.

Decision: this package imports settings, errors and rules only, so that pages and jobs may use it.
"""
