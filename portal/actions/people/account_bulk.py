"""Changing many accounts: one transaction and one audit entry for each, so that each is whole or untouched.

Decision: not one transaction for all. It would hold its locks for a minute, and gateways could not report meanwhile.
So a change may be cancelled, and ends where it is when the rights of its administrator end.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, existing_account
from portal.actions.people.accounts import set_active
from portal.actions.people.new_accounts import team_id_named, template_id_named
from portal.actions.people.teams import move_account
from portal.actions.spending.budgets import check_limits, set_budget
from portal.actions.templates import assign_template
from portal.clock import utc_now
from portal.db.people.accounts import account
from portal.db.spending.budgets import limits as stored_limits
from portal.db.spending.default_budgets import default_budgets
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Conflict, Forbidden, InvalidInput, NotSignedIn, PortalError
from portal.rules.messages import Message, message
from portal.rules.people.account_bulk import (
    MOST_ACCOUNTS,
    BulkChange,
    BulkKind,
    BulkProgress,
    BulkTarget,
    LeftOut,
)
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor
from portal.rules.spending.budgets import Limits

_AT_A_TIME = timedelta(milliseconds=200)
_ENDED = message("Your rights as an administrator have ended. The accounts after this point were not changed.")


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of a change, read once."""

    kind: BulkKind
    limits: Limits | None
    id: int | None


class BulkRun:
    """A change that runs in steps; opens its own transactions. Use it on a thread."""

    def __init__(self, actor: Actor, change: BulkChange, targets: Sequence[BulkTarget]) -> None:
        """Check the change. Raises Forbidden, and InvalidInput for limits, names and too many accounts."""
        if len(targets) > MOST_ACCOUNTS:
            raise InvalidInput(message("Change at most {most} accounts at once.", most=MOST_ACCOUNTS))
        self.progress = BulkProgress(len(targets))
        self._actor = actor
        self._values = run_in_reading(_read_values, actor, change)
        self.targets = tuple(targets)
        self._outcomes = self.outcomes()

    def step(self) -> bool:
        """Change accounts for a fifth of a second; return whether there are more."""
        end = utc_now() + _AT_A_TIME
        with suppress(Forbidden):  # `progress.stopped` has the reason
            for _ in self._outcomes:
                if utc_now() >= end:
                    return self.progress.done < self.progress.total
        return False

    def run(self) -> BulkProgress:
        """Change all accounts."""
        while self.step():
            pass
        return self.progress

    def outcomes(self) -> Iterator[tuple[str, Message | None]]:
        """Change the accounts one by one: yield the name of each, and why it was not changed, or None.

        Raises Forbidden when the rights of the administrator end.
        """
        for target in self.targets:
            problem = self._change(target)
            if self.progress.stopped is not None:
                raise Forbidden(self.progress.stopped)
            yield target.username, problem

    def _change(self, target: BulkTarget) -> Message | None:
        progress = self.progress
        try:
            has_changed = run_in_transaction(_change_one, self._actor, target.id, self._values, utc_now())
        except (Forbidden, NotSignedIn):
            progress.stopped = _ENDED
        except PortalError as error:
            progress.left_out.append(LeftOut(target.username, error.sentence))
            return error.sentence
        else:
            progress.changed += has_changed
            progress.unchanged += not has_changed
        return None


def _read_values(session: Session, actor: Actor, change: BulkChange) -> _Values:
    check_administrator(session, actor)
    if change.limits is not None:
        check_limits(change.limits)
    found = None
    if change.name and change.kind is BulkKind.TEAM:
        found = team_id_named(session, change.name)
    elif change.name and change.kind is BulkKind.TEMPLATE:
        found = template_id_named(session, change.name)
    return _Values(change.kind, change.limits, found)


def _change_one(session: Session, actor: Actor, account_id: int, values: _Values, now: datetime) -> bool:
    """Change an account; return False if it had the values already."""
    check_administrator(session, actor)
    found = existing_account(session, account_id)
    match values.kind:
        case BulkKind.BUDGET:
            limits = values.limits or default_budgets(session)[Role(found.role)] or Limits()
            if stored_limits(session, account_id) == limits:
                return False
            set_budget(session, actor, account_id, limits, now)
        case BulkKind.TEAM:
            if found.team_id == values.id:
                return False
            move_account(session, actor, account_id, values.id, now)
        case BulkKind.TEMPLATE:
            if found.template_id == values.id:
                return False
            assign_template(session, actor, account_id, values.id, now)
        case BulkKind.SUSPEND | BulkKind.ACTIVATE:
            active = values.kind is BulkKind.ACTIVATE
            if found.active == active:
                return False
            if account_id == actor.account_id:
                raise Conflict(message("This is your own account."))
            set_active(session, actor, account_id, active, now)
    return True


def targets_with_ids(session: Session, actor: Actor, ids: Sequence[int]) -> list[BulkTarget]:
    """Return the accounts with these ids, in their order; unknown ones have the id as a name. Raises Forbidden."""
    check_administrator(session, actor)
    rows = [(each, account(session, each)) for each in dict.fromkeys(ids)]
    return [BulkTarget(each, str(each) if row is None else row.username) for each, row in rows]
