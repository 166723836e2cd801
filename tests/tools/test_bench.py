"""The benchmark runs, and its accounts are as true as any other; what it measures here says nothing."""

import json
from pathlib import Path

from sqlalchemy import select

from portal.actions.metering.verification import verify_account, verify_in, verify_shared
from portal.clock import utc_now
from portal.db.sql.session import Database
from portal.db.tables import Account, TeamCounter, UsageDaily, UsageEvent
from portal.rules.periods import Period
from tools.bench.__main__ import main
from tools.bench.administration import Size, fill_organisation
from tools.bench.fill import fill
from tools.bench.pages import KEYS
from tools.bench.premises import BUDGET_ZONE, MODELS, MODES, prepare


def test_everything_is_measured_against_its_floor(tmp_path: Path) -> None:
    found, page = tmp_path / "found.json", tmp_path / "found.md"
    asked = ["--quick", "--events", "10000,10400", "--directory", str(tmp_path), "--databases", "sqlite"]
    assert main([*asked, "--json", str(found), "--markdown", str(page)]) == 0
    figures = json.loads(found.read_text())["figures"]
    assert all(figure["value"] > 0 for figure in figures)
    judged = [figure for figure in figures if figure["goal"] is not None]
    assert all(figure["ratio"] > 0 and isinstance(figure["met"], bool) for figure in judged)
    assert len(judged) == 2 + 1 + 4 + 4 + 5 + 20
    assert len(page.read_text().splitlines()) == len(figures) + 2


def test_an_account_that_was_filled_ties(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'portal.sqlite3'}")
    premises = prepare(database, accounts=1, keys=KEYS)
    account_id = min(premises.keys)
    fill(database, premises, 4000, utc_now())
    with database.reading() as session:
        assert [*verify_account(session, account_id, BUDGET_ZONE), *verify_shared(session)] == []
        combined = select(UsageDaily.model, UsageDaily.mode, UsageDaily.api_key_id).distinct()
        assert len(session.execute(combined).all()) == len(MODELS) * len(MODES) * KEYS
    database.close()


def test_an_organisation_that_was_filled_ties(tmp_path: Path) -> None:
    filled = fill_organisation(tmp_path, Size(5, 2, 400))
    with filled.database.reading() as session:
        assert list(verify_in(session, BUDGET_ZONE)) == []
        teams = select(TeamCounter.team_id, TeamCounter.requests).where(TeamCounter.period == Period.TOTAL)
        used = dict(session.execute(teams).all())
        assert sum(used.values()) == 400
        assert set(used) == {1, 2}
        mixed = select(UsageEvent.id).join(Account).where(UsageEvent.team_id != Account.team_id)
        assert session.execute(mixed).first() is None
    filled.database.close()
