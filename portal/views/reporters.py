"""The gateway or the person that reports with a token."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.gateways import gateway_with_token
from portal.db.keys import working_key
from portal.rules.reporters import OWN_MODE, Person, Reporter
from portal.rules.secrets import digest


def load_reporting_gateway(session: Session, token: str) -> Reporter | None:
    """Return the gateway with this token; None if it is unknown or revoked."""
    found = gateway_with_token(session, digest(token))
    return None if found is None else Reporter(found.id, found.mode, found.reported_at)


def load_reporting_person(session: Session, api_key: str, now: datetime) -> Reporter | None:
    """Return the person with this API key; None unless the key is usable."""
    found = working_key(session, digest(api_key), now)
    return None if found is None else Reporter(None, OWN_MODE, person=Person(found.account_id, found.key_hash))
