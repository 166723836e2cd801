"""`portal usage`: usage of the organisation."""

import json

from portal.db.tables import Account
from tests.cast import Gateway, report, send
from tests.cli.terminal import rows, succeed


def test_usage_is_listed_with_a_total(alice: Account, bob: Account, gateway: Gateway) -> None:
    send(gateway, report("a", prompt_tokens=980), report("b", username="bob"))
    words = ("usage", "list", "--by", "account", "--from", "2026-11-22", "--to", "2026-11-22")
    listed = rows(succeed(*words))
    assert [(row[0], row[5]) for row in listed] == [("alice", "1000"), ("bob", "120"), ("Total", "1120")]
    records = json.loads(succeed(*words, "--json"))
    assert [(record["key"], record["tokens"], record["cost_eur"]) for record in records] == [
        ("alice", 1000, "0.02"),
        ("bob", 120, "0.0024"),
    ]
