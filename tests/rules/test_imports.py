from portal.rules.imports import Finding, ImportOutcome, Kind, Tally


def test_tally_counts_outcomes_and_lists_each_reason_once() -> None:
    tally = Tally()
    tally.add(
        [
            Finding(Kind.KEY, ImportOutcome.IMPORTED),
            Finding(Kind.KEY, ImportOutcome.PRESENT),
            Finding(Kind.KEY, ImportOutcome.IMPORTED),
        ]
    )
    tally.add(Finding(Kind.USAGE, ImportOutcome.OMITTED, "It is broken.", f"row-{number}") for number in range(1000))
    tally.add([Finding(Kind.ACCOUNT, ImportOutcome.REMARK, "They have no address.")])
    assert [row for row in tally.rows() if any(row[1:])] == [("API keys", 2, 1, 0), ("requests", 0, 0, 1000)]
    assert tally.sentences() == [
        "1 account: They have no address.",
        "1,000 requests not imported: It is broken. For instance row-0.",
    ]
