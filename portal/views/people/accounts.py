"""The signed-in account, its sessions, and all accounts for operators."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.db.people.accounts import account_called
from portal.db.people.sessions import SeenSession as SeenSession  # noqa: PLC0414  # for pages, which do not import db
from portal.db.people.sessions import session_of, sessions
from portal.db.people.sessions import still_running as still_running  # noqa: PLC0414
from portal.errors import NotFound
from portal.rules.messages import message
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import digest
from portal.rules.periods import zone_or
from portal.settings import settings
from portal.views.rows import view_of


@dataclass(frozen=True, slots=True)
class Acting:
    """The administrator who sees the portal as another person, and until when."""

    admin_id: int
    admin_name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Viewer:
    """The account that sees a page, with its preferences.

    `session_id` is None for a program with an API key; `time_zone` is None until a browser has sent its zone. `unread`
    is the number of unread alerts, `manages` is whether the account manages a team. If an administrator sees the portal
    as this account, `acting` is that administrator, and the session is theirs.
    """

    id: int
    session_id: int | None
    username: str
    display_name: str
    email: str
    role: str
    time_zone: str | None
    language: str
    theme: str
    seen_at: datetime | None = None
    unread: int = 0
    acting: Acting | None = None
    manages: bool = False

    @property
    def seen_session(self) -> SeenSession | None:
        """The session of the page; None for a program with an API key."""
        return None if self.session_id is None else SeenSession(self.session_id, self.id if self.acting else None)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone for showing instants: the account's own, else the budget zone."""
        return zone_or(self.time_zone, settings().budget_zone)

    @property
    def actor(self) -> Actor:
        """The account as the actor of its changes, for the audit log; no action takes one who only looks."""
        if self.acting is not None:
            return Actor(Means.ACTING, self.acting.admin_name, self.id)
        return Actor(Means.SESSION, self.username, self.id)

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        words = self.display_name.split()
        return (words[0][0] + (words[-1][0] if len(words) > 1 else words[0][1:2])).upper()


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session of a browser."""

    id: int
    user_agent: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    is_this: bool


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A person's own account and its sessions."""

    viewer: Viewer
    sessions: tuple[SessionView, ...]


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as administrators and operators see it."""

    id: int
    username: str
    display_name: str
    email: str
    role: str
    active: bool
    deleted_at: datetime | None
    time_zone: str | None
    created_at: datetime


def find_account(session: Session, name: str) -> AccountView:
    """Return the account with this user name or email address, for operators. Raises NotFound."""
    row = account_called(session, name)
    if row is None:
        raise NotFound(message("There is no account called {name}.", name=name))
    return view_of(AccountView, row)


def load_viewer(session: Session, token: str, now: datetime) -> Viewer | None:
    """Return the account with this session token; None if the session has ended or the account is suspended."""
    found = session_of(session, digest(token), now)
    if found is None:
        return None
    own, person, acting = found.session, found.account, None
    if found.person is not None and own.acting_until is not None:
        person, acting = found.person, Acting(found.account.id, found.account.username, own.acting_until)
    others = {"unread": found.unread, "acting": acting, "manages": found.manages}
    return view_of(Viewer, person, session_id=own.id, seen_at=own.last_seen_at, **others)


def load_profile(session: Session, viewer: Viewer, now: datetime) -> ProfileView:
    """Return the profile page of an account."""
    rows = sessions(session, viewer.id, now)
    return ProfileView(viewer, tuple(view_of(SessionView, row, is_this=row.id == viewer.session_id) for row in rows))
