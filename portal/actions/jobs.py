"""Storing the last runs of background jobs, which change nothing that anybody looks up in the audit log."""

from portal.db.jobs import note_job_run as note_job_run  # noqa: PLC0414  # for jobs, which do not import db
