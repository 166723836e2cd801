"""The gateway or the person that reports with a token."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.metering.gateways import gateway_with_token
from portal.db.people.keys import working_key
from portal.rules.metering.reporters import OWN_MODE, Person, Reporter
from portal.rules.people.secrets import digest


def load_reporting_gateway(session: Session, token: str, *, is_desktop: bool) -> Reporter | None:
    """Return the gateway with this token; None if it is unknown or revoked.

    It has its owner only in the desktop program: on a server, a database that was moved there gives nobody usage that
    names nobody.
    """
    found = gateway_with_token(session, digest(token))
    if found is None:
        return None
    return Reporter(found.id, found.mode, found.reported_at, owner_id=found.owner_id if is_desktop else None)


def load_reporting_person(session: Session, api_key: str, now: datetime) -> Reporter | None:
    """Return the person with this API key; None unless the key is usable."""
    found = working_key(session, digest(api_key), now)
    return None if found is None else Reporter(None, OWN_MODE, person=Person(found.account_id, found.key_hash))
