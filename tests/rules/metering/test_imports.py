from portal.rules.metering.imports import Finding, ImportKind, ImportOutcome, Tally


def test_tally_counts_outcomes_and_lists_each_reason_once() -> None:
    tally = Tally()
    tally.add(
        [
            Finding(ImportKind.KEY, ImportOutcome.IMPORTED),
            Finding(ImportKind.KEY, ImportOutcome.PRESENT),
            Finding(ImportKind.KEY, ImportOutcome.IMPORTED),
        ]
    )
    tally.add(
        Finding(ImportKind.USAGE, ImportOutcome.OMITTED, "It is broken.", f"row-{number}") for number in range(1000)
    )
    tally.add([Finding(ImportKind.ACCOUNT, ImportOutcome.REMARK, "They have no address.")])
    assert [row for row in tally.rows() if any(row[1:])] == [("API keys", 2, 1, 0), ("requests", 0, 0, 1000)]
    assert tally.sentences() == [
        "1 account: They have no address.",
        "1,000 requests not imported: It is broken. For instance row-0.",
    ]
