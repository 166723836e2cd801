"""`portal verify`, `portal rebuild` and `portal prune`: proving sums, writing them anew, and letting old events go."""

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from portal.actions.pruning import BATCH, LEAST_DAYS, prune_account
from portal.actions.verification import Fault, rebuild_account, verify_ledger
from portal.cli.console import actor, example, note, open_portal, progress
from portal.cli.listing import AsJson, answer, show_json
from portal.clock import utc_now
from portal.db.accounts import all_accounts, count_accounts
from portal.db.audit import add_entry
from portal.db.events import count_events, count_pruned
from portal.db.sql.schema import check_budget_timezone, pinned_budget_timezone, repin_budget_timezone
from portal.db.sql.session import Database, run_in_reading, run_in_transaction
from portal.db.totals import count_requests
from portal.rules.figures import Figures
from portal.rules.periods import day_of, zone
from portal.rules.text import counted
from portal.settings import settings

commands = typer.Typer()


@commands.command(
    epilog=answer(
        "portal verify || echo 'The numbers do not tie.'",
        fields="ties, accounts, requests, pruned_requests and differences: a list of objects with sentence, "
        "username, sum, kept and true: objects with tokens, prompt_tokens, completion_tokens, "
        "total_tokens, requests, cost_nano_eur, unpriced",
    )
)
def verify(as_json: AsJson = False) -> None:
    """Compare all sums with the stored events.

    Prints each counter and daily roll-up that differs from the sum of its events. The exit status is 0 when none does
    and 1 when any does. The portal may be running.
    """
    open_portal()
    found = 0
    differences = []
    with progress("Verifying", run_in_reading(count_requests)) as advance:
        for fault in verify_ledger(settings().budget_zone, advance):
            found += 1
            if as_json:
                differences.append(_fault(fault))
            else:
                typer.echo(fault)
    accounts, requests, pruned = (run_in_reading(count) for count in (count_accounts, count_events, count_pruned))
    if as_json:
        counts = {"accounts": accounts, "requests": requests, "pruned_requests": pruned}
        show_json({"ties": not found, **counts, "differences": differences})
    checked = f"{counted(accounts, 'account')}, {counted(requests, 'request')}"
    if pruned:
        checked += f", and the sums of {counted(pruned, 'pruned one')}"
    if found:
        note(f"{counted(found, 'difference')} in {checked}. `portal rebuild` writes the sums anew.")
        raise typer.Exit(1)
    note(f"The numbers tie: {checked}.")


@commands.command(epilog=example("portal rebuild", "portal rebuild --budget-timezone Europe/Berlin"))
def rebuild(
    budget_timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Count all days anew in this IANA time zone. Stop the portal first, and start it again with "
            "PORTAL_BUDGET_TIMEZONE set to the same.",
        ),
    ] = None,
) -> None:
    """Write all sums anew from the stored events.

    That is all counters and roll-ups. The portal may be running, except when the time zone changes; new requests of the
    account that is being rebuilt (on SQLite: of all) get 503 after some seconds, and are sent again by their gateways.
    """
    tz = settings().budget_zone if budget_timezone is None else _zone(budget_timezone)
    database = open_portal(check_zone=False)
    counted_in = run_in_reading(pinned_budget_timezone)
    if budget_timezone is None or counted_in == tz.key:
        check_budget_timezone(database, tz.key)
        rebuilt = _rebuild(database, tz)
    else:
        rebuilt = _recount(database, tz)
        note(f"Days are counted in {tz.key} now. Start the portal with PORTAL_BUDGET_TIMEZONE={tz.key}.")
    with database.transaction() as session:
        add_entry(session, actor(), "ledger.rebuild", utc_now(), zone=tz.key, accounts=rebuilt)
    typer.echo(f"Wrote the sums of {counted(rebuilt, 'account')} anew.")


@commands.command(epilog=example("portal prune --keep-events 400d"))
def prune(
    keep_events: Annotated[
        str, typer.Option(metavar="DAYS", help=f"How many days of events stay, at least {LEAST_DAYS}, such as 400d.")
    ],
) -> None:
    """Remove old events, in small batches; the portal may be running.

    Counters, daily roll-ups and lifetime figures stay, and verification still proves them. Events with a note stay,
    and those that wait for a price. The id of a removed event is kept, so that it is never counted again.
    """
    database, tz, now = open_portal(), settings().budget_zone, utc_now()
    first_kept = day_of(now, tz) - timedelta(_days(keep_events))
    removed = 0
    accounts = run_in_reading(all_accounts)
    with progress("Pruning", len(accounts)) as advance:
        for account in accounts:
            while True:
                batch = run_in_transaction(prune_account, account.id, first_kept, tz, now)
                removed += batch
                if batch < BATCH:
                    break
            advance(1)
    with database.transaction() as session:
        add_entry(session, actor(), "ledger.prune", now, first_kept=first_kept.isoformat(), removed=removed)
    typer.echo(f"Removed {counted(removed, 'request')} of days before {first_kept}; their sums stay.")


def _fault(fault: Fault) -> dict[str, object]:
    found = fault.difference
    return {
        "sentence": fault.sentence,
        "username": fault.username,
        "sum": None if found is None else found.key.name,
        "kept": None if found is None else _sums(found.kept),
        "true": None if found is None else _sums(found.true),
    }


def _sums(figures: Figures) -> dict[str, int]:
    return figures._asdict() | {"total_tokens": figures.total_tokens}


def _days(text: str) -> int:
    digits = text.removesuffix("d")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 6 and int(digits) >= LEAST_DAYS):
        raise typer.BadParameter(f"say how many days, at least {LEAST_DAYS}, such as 400d", param_hint="--keep-events")
    return int(digits)


def _rebuild(database: Database, tz: ZoneInfo) -> int:
    """Rebuild each account in a transaction of its own, so that gateways hardly wait; return how many."""
    accounts = run_in_reading(all_accounts)
    with progress("Rebuilding", len(accounts)) as advance:
        for account in accounts:
            with database.transaction() as session:
                rebuild_account(session, account.id, tz)
            advance(1)
    return len(accounts)


def _recount(database: Database, tz: ZoneInfo) -> int:
    """Rebuild all accounts in another zone, in one transaction: days of two zones side by side would be wrong."""
    with database.transaction() as session:
        repin_budget_timezone(session, tz.key)
        accounts = all_accounts(session)
        with progress("Rebuilding", len(accounts)) as advance:
            for account in accounts:
                rebuild_account(session, account.id, tz)
                advance(1)
    return len(accounts)


def _zone(name: str) -> ZoneInfo:
    try:
        return zone(name)
    except ValueError:
        raise typer.BadParameter(
            "that is no IANA time zone, such as Europe/Berlin", param_hint="--budget-timezone"
        ) from None
