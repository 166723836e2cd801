"""The background jobs of a server."""

from enum import StrEnum


class Job(StrEnum):
    """A job with a stored last run."""

    VERIFICATION = "verification"
    FORECASTS = "forecasts"
    BACKUPS = "backups"
    RETENTION = "retention"
