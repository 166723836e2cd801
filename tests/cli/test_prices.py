"""`portal price`."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portal.clock import utc_now
from portal.db.spending.prices import price_book
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account
from portal.rules.spending.prices import Rates
from tests.cast import NOW, Gateway, report, send
from tests.cli.terminal import fail, misuse, portal, rows, succeed


def test_a_price_begins_at_midnight_in_the_budget_zone(db: Database, settings_env: Any) -> None:
    settings_env(budget_timezone="Europe/Berlin")
    succeed("price", "set", "0.00003", "--from", "2026-12-01")
    assert [(p.eur_per_token, p.valid_from) for p in run_in_reading(price_book)] == [
        (Decimal("0.00002"), None),
        (Decimal("0.00003"), datetime(2026, 11, 30, 23, tzinfo=UTC)),
    ]


def test_price_begins_now_by_default(db: Database) -> None:
    before = utc_now().replace(microsecond=0)
    succeed("price", "set", "0", "--yes")
    succeed("price", "set", "0.5", "--from", "2099-01-01T00:00:00+01:00")
    _, now, later = run_in_reading(price_book)
    assert now.valid_from is not None
    assert before <= now.valid_from <= utc_now()
    assert later.valid_from == datetime(2098, 12, 31, 23, tzinfo=UTC)
    listed = [(row[1], row[-1]) for row in rows(succeed("price", "list"))]
    assert listed == [("0.00002", "ended"), ("0", "in force"), ("0.5", "planned")]


@pytest.mark.parametrize("text", ["1.01", "NaN", "Infinity", "0.0000000000001"])
def test_a_price_out_of_bounds_is_refused(db: Database, text: str) -> None:
    assert "0 to 1 EUR" in fail("price", "set", text)
    assert len(run_in_reading(price_book)) == 1


@pytest.mark.parametrize("words", [("cheap",), ("-1",), ("0.1", "--from", "soon"), ()], ids=str)
def test_a_malformed_price_is_wrong_usage(db: Database, words: tuple[str, ...]) -> None:
    misuse("price", "set", *words)
    assert len(run_in_reading(price_book)) == 1


def test_a_price_can_be_removed_and_what_came_meanwhile_repaired(
    db: Database, alice: Account, gateway: Gateway
) -> None:
    assert "since ever" in succeed("price", "remove", "since-ever")
    send(gateway, report("r-1"), report("r-2", requested_at=NOW - timedelta(days=9)))
    succeed("price", "set", "0.00004", "--from", "2026-11-20")
    done = portal("price", "repair")
    assert (done.exit_code, done.stdout) == (1, "Priced 1 request.\n")
    assert "For 1 more there is still no price" in done.stderr
    succeed("price", "set", "0.00004", "--from", "2026-11-01")
    assert succeed("price", "repair") == "Priced 1 request.\n"
    assert portal("verify").exit_code == 0
    assert "There is no price that begins" in fail("price", "remove", "2020-01-01")


def test_preview_prints_costs_and_changes_nothing(db: Database, alice: Account, bob: Account, gateway: Gateway) -> None:
    gpt = report("r-2", username="bob", prompt_tokens=1000, model="gpt-4o")
    send(gateway, report("r-1"), gpt)
    output = rows(succeed("price", "preview", "0.00004", "--month", "2026-11"))
    assert output == [
        ["gpt-4o", "1,020", "0.0204", "0.0408", "0.0204"],
        ["qwen3:32b", "120", "0.0024", "0.0048", "0.0024"],
        ["total", "1,140", "0.0228", "0.0456", "0.0228"],
    ]
    options = ("--model", "gpt-4*", "--prompt", "2", "--completion", "10", "--month", "2026-11")
    assert rows(succeed("price", "preview", *options)) == [
        ["gpt-4o", "1,020", "0.0204", "0.0022", "-0.0182"],
        ["total", "1,140", "0.0228", "0.0046", "-0.0182"],
    ]
    found = json.loads(succeed("price", "preview", *options, "--json"))
    assert [(row["model"], row["affected"]) for row in found["models"]] == [("gpt-4o", True), ("qwen3:32b", False)]
    assert len(run_in_reading(price_book)) == 1
    assert "0 to 1 EUR" in fail("price", "preview", "2")
    misuse("price", "preview", "0.1", "--month", "November")
    misuse("price", "preview")


def test_price_of_models_is_ended(db: Database) -> None:
    succeed("price", "set", "--model", "gpt-*", "--prompt", "2", "--completion", "10", "--from", "2026-01-01")
    assert "no price of its own" in succeed("price", "end", "GPT-*", "--from", "2099-01-01")
    listed = json.loads(succeed("price", "list", "--json"))[-1]
    assert (listed["model"], listed["prompt"], listed["eur_per_token"]) == ("gpt-*", None, None)
    assert "no price of other" in fail("price", "end", "other")


def test_a_price_is_removed_by_the_instant_that_the_list_shows(db: Database) -> None:
    succeed("price", "set", "0.5")
    begins = rows(succeed("price", "list"))[1][0]
    succeed("price", "remove", begins)
    assert [row[0] for row in rows(succeed("price", "list"))] == ["since-ever"]


def test_there_is_no_minus_zero(db: Database) -> None:
    succeed("price", "set", "--yes", "--", "-0")
    assert rows(succeed("price", "list"))[1][1] == "0"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands ask."""
    monkeypatch.setattr("portal.cli.prices.can_ask", lambda: True)


def test_price_of_zero_needs_confirmation(db: Database) -> None:
    for zero in ("0", "0.000"):
        done = portal("price", "set", zero)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "--yes" in done.stderr
    assert len(run_in_reading(price_book)) == 1
    assert succeed("price", "set", "0", "--yes").startswith("0 EUR per billable token")


@pytest.mark.parametrize(("typed", "entries"), [("n\n", 1), ("\n", 1), ("y\n", 2)], ids=["no", "nothing", "yes"])
def test_price_of_zero_asks_on_a_terminal(db: Database, terminal: None, typed: str, entries: int) -> None:
    done = portal("price", "set", "0", typed=typed)
    assert "cost nothing" in done.stderr
    assert done.exit_code == (0 if entries == 2 else 1)
    assert len(run_in_reading(price_book)) == entries


def test_past_price_says_that_stored_costs_stay(db: Database) -> None:
    done = portal("price", "set", "0.00003", "--from", "2020-01-01")
    assert done.exit_code == 0
    assert "Requests that have a cost keep it" in done.stderr
    assert "`portal price repair` only fills in costs that are missing" in done.stderr
    assert "repair" not in portal("price", "set", "0.00003", "--from", "2099-01-01").stderr


def test_past_price_asks_on_a_terminal(db: Database, terminal: None) -> None:
    assert portal("price", "set", "0.00003", "--from", "2020-01-01", typed="n\n").exit_code == 1
    assert len(run_in_reading(price_book)) == 1
    assert portal("price", "set", "0.00003", "--from", "2020-01-01", "--yes").exit_code == 0
    assert portal("price", "set", "0.00004", typed="").exit_code == 0, "an ordinary price is not asked about"


def test_price_of_models_is_entered_listed_and_removed(db: Database) -> None:
    words = ("--model", "GPT-4*", "--prompt", "2.3", "--completion", "9.2")
    succeed("price", "set", *words, "--from", "2099-01-01")
    entry = run_in_reading(price_book)[-1]
    assert entry.rates == Rates(Decimal("2.3"), Decimal("9.2"), Decimal("2.3"))
    listed = json.loads(succeed("price", "list", "--json"))[-1]
    assert (listed["model"], listed["eur_per_token"]) == ("gpt-4*", None)
    succeed("price", "remove", "2099-01-01", "--model", "GPT-4*")
    assert len(run_in_reading(price_book)) == 1


@pytest.mark.parametrize(
    "words", [("0.1", "--prompt", "1"), ("--model", "m", "--prompt", "1"), ("0.1", "--model", "m")]
)
def test_incomplete_price_of_models_is_wrong_usage(db: Database, words: tuple[str, ...]) -> None:
    misuse("price", "set", *words)
    assert len(run_in_reading(price_book)) == 1


def test_price_map_is_previewed_and_imported(db: Database, tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    file.write_text('{"gpt-4o": {"input_cost_per_token": 4e-06, "output_cost_per_token": 8e-06}, "gpt-x": 1}')
    words = ("price", "import", str(file), "--rate", "0.5", "--rate-day", "2026-11-01", "--model", "gpt*")
    found = json.loads(succeed(*words, "--preview", "--json"))
    assert [row["model"] for row in found["wrong"]] == ["gpt-x"]
    assert "1 models are wrong" in fail(*words)
    assert len(run_in_reading(price_book)) == 1
    assert "Entered 1 price (LiteLLM, 1 USD = 0.5 EUR on 2026-11-01)" in succeed(*words, "--skip-wrong")
    entered = run_in_reading(price_book)[-1]
    assert (entered.pattern, entered.rates) == ("gpt-4o", Rates(Decimal(2), Decimal(4), Decimal(2)))
