"""`portal verify`, `portal rebuild` and `portal prune`."""

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from portal.actions.metering.pruning import LEAST_DAYS, prune_all
from portal.actions.metering.verification import Fault, rebuild_all, recount_all, verify_ledger
from portal.actions.retention import kept_days, prune_kept
from portal.cli.console import actor, example, note, open_portal, progress
from portal.cli.listing import AsJson, answer, show_json
from portal.clock import utc_now
from portal.db.sql.schema import pinned_budget_timezone
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.metering.figures import Figures
from portal.rules.periods import day_of, zone
from portal.rules.retention import Kept
from portal.rules.text import counted
from portal.settings import settings
from portal.views.health import load_stored_counts

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

    Prints each counter and roll-up that differs from the sum of its events, and faults in the ids of pruned events. The
    exit status is 0 without differences, else 1. The portal may be running.
    """
    open_portal()
    found = 0
    differences = []
    counts = run_in_reading(load_stored_counts)
    with progress("Verifying", counts.events + counts.pruned) as advance:
        for fault in verify_ledger(settings().budget_zone, advance):
            found += 1
            if as_json:
                differences.append(_fault(fault))
            else:
                typer.echo(fault)
    if as_json:
        compared = {"accounts": counts.accounts, "requests": counts.events, "pruned_requests": counts.pruned}
        show_json({"ties": not found, **compared, "differences": differences})
    checked = f"{counted(counts.accounts, 'account')}, {counted(counts.events, 'request')}"
    if counts.pruned:
        checked += f", and the sums of {counted(counts.pruned, 'pruned one')}"
    if found:
        note(f"{counted(found, 'difference')} in {checked}. `portal rebuild` computes the sums again.")
        raise typer.Exit(1)
    note(f"The numbers tie: {checked}.")


@commands.command(epilog=example("portal rebuild", "portal rebuild --budget-timezone Europe/Berlin"))
def rebuild(
    budget_timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Count all days in this IANA time zone from now on. Stop the portal first; if PORTAL_BUDGET_TIMEZONE "
            "is set, set it to the same.",
        ),
    ] = None,
) -> None:
    """Compute all sums again from the stored events.

    That is all counters and roll-ups. The portal may be running, except when the time zone changes; new requests of the
    account that is being rebuilt (on SQLite: of all) get 503 after some seconds, and are sent again by their gateways.
    """
    new = None if budget_timezone is None else _zone(budget_timezone)
    open_portal(check_zone=False)
    tz = new or settings().budget_zone
    is_same = budget_timezone is None or run_in_reading(pinned_budget_timezone) == tz.key
    with progress("Rebuilding", run_in_reading(load_stored_counts).accounts) as advance:
        if is_same:
            rebuilt = rebuild_all(actor(), tz, utc_now(), advance)
        else:
            rebuilt = run_in_transaction(recount_all, actor(), tz, utc_now(), advance)
    if not is_same:
        note(f"Days are counted in {tz.key} now.{_where_to_set(tz.key)}")
    typer.echo(f"Computed the sums of {counted(rebuilt, 'account')} again.")


def _where_to_set(zone: str) -> str:
    """Return the sentence about the variable, if it is set to another zone."""
    is_set = settings().budget_timezone not in {None, zone}
    return f" Start the portal with PORTAL_BUDGET_TIMEZONE={zone}." if is_set else ""


@commands.command(epilog=example("portal prune --keep-events 400d", "portal prune --audit --mails --held"))
def prune(
    keep_events: Annotated[
        str | None,
        typer.Option(metavar="DAYS", help=f"Remove older events; at least {LEAST_DAYS} days, such as 400d."),
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="Remove audit entries that are older than PORTAL_KEEP_AUDIT days.")
    ] = False,
    mails: Annotated[
        bool, typer.Option("--mails", help="Remove finished mails that are older than PORTAL_KEEP_MAILS days.")
    ] = False,
    held: Annotated[
        bool, typer.Option("--held", help="Remove held events that are older than PORTAL_KEEP_HELD days.")
    ] = False,
) -> None:
    """Remove old data, in small batches; the portal may be running.

    Of removed events, counters, daily roll-ups and lifetime figures stay, and verification still proves them. Events
    with a note stay, and those that wait for a price. The id of a removed event is kept, so that it is never counted
    again. Each removal leaves an entry in the audit log. A running portal removes old audit entries, mails and held
    events by itself, once a day.
    """
    chosen = [kept for kept, is_chosen in ((Kept.AUDIT, audit), (Kept.MAILS, mails), (Kept.HELD, held)) if is_chosen]
    if keep_events is None and not chosen:
        raise typer.BadParameter("say what to remove: --keep-events DAYS, --audit, --mails or --held")
    if keep_events is not None:
        _days(keep_events)
    open_portal()
    if keep_events is not None:
        _prune_events(keep_events)
    for kept in chosen:
        removed = prune_kept(actor(), kept, utc_now())
        typer.echo(f"Removed {counted(removed, *_KEPT[kept])} older than {kept_days(kept)} days.")


_KEPT = {
    Kept.AUDIT: ("audit entry", "audit entries"),
    Kept.MAILS: ("mail", "mails"),
    Kept.HELD: ("held event", "held events"),
}


def _prune_events(keep_events: str) -> None:
    tz, now = settings().budget_zone, utc_now()
    first_kept = day_of(now, tz) - timedelta(_days(keep_events))
    with progress("Pruning", run_in_reading(load_stored_counts).accounts) as advance:
        removed = prune_all(actor(), first_kept, tz, now, advance)
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


def _zone(name: str) -> ZoneInfo:
    try:
        return zone(name)
    except ValueError:
        raise typer.BadParameter(
            "that is no IANA time zone, such as Europe/Berlin", param_hint="--budget-timezone"
        ) from None
