"""Reading accounts from files."""

from dataclasses import replace

import pytest

from portal.rules.people.account_import import (
    LARGEST_FILE,
    MOST_ROWS,
    ImportRow,
    Known,
    KnownTeam,
    UnreadableFile,
    checked_rows,
    read_account_file,
)
from portal.rules.spending.budgets import Limits

DORA = ImportRow(2, "dora", "Dora Märklin", "dora@example.org", "expert", "Physik", "", "Coding", Limits(monthly=5))
KNOWN = Known(
    frozenset({"alice"}),
    frozenset({"alice@example.org"}),
    {"Coding": 1},
    {"physik": KnownTeam(1, "Physik", "4711", True), "chemie": KnownTeam(2, "Chemie", "", False)},
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "heading",
    ["username,name,email,role,team,monthly,template", "Benutzername,Name,E-Mail,Rolle,Team,Monatslimit,Vorlage"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_file_is_recognised(encoding: str, separator: str, heading: str, end: str) -> None:
    row = 'Dora,"Dora Märklin",dora@example.org,Expert,Physik,5,Coding'
    file = read_account_file(end.join([heading, row, "", ""]).replace(",", separator).encode(encoding))
    assert file.rows == (DORA,)
    assert file.separator == separator


def row_of(**values: str) -> ImportRow:
    """Return the only row of a file with these cells."""
    usual = {"username": "dora", "email": "dora@example.org"} | values
    text = "\n".join(";".join(cells) for cells in (usual.keys(), usual.values()))
    (row,) = read_account_file(text.encode()).rows
    return row


def test_empty_cells_have_plain_values() -> None:
    assert row_of(daily="", role="", team="", name="") == ImportRow(2, "dora", "dora", "dora@example.org")


@pytest.mark.parametrize(
    ("cells", "limits"),
    [
        ({"daily": "0"}, Limits(daily=0)),
        ({"daily": "1000", "total": "none"}, Limits(daily=1000)),
        ({"total": "unbegrenzt"}, Limits()),
        ({"monthly": str(10**15)}, Limits(monthly=10**15)),
    ],
    ids=str,
)
def test_limits_are_read(cells: dict[str, str], limits: Limits) -> None:
    assert row_of(**cells).limits == limits


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"username": "do ra"}, "user name has letters"),
        ({"username": ""}, "must not be empty"),
        ({"username": "deleted-3"}, "reserved"),
        ({"email": "dora"}, "email address"),
        ({"role": "king"}, "no role king"),
        ({"daily": "1.000"}, "without separators"),
        ({"daily": "-1"}, "without separators"),
        ({"daily": "1e6"}, "without separators"),
        ({"daily": "²"}, "without separators"),
        ({"daily": str(10**15 + 1)}, "without separators"),
        ({"name": "x" * 101}, "longer than 100"),
    ],
    ids=str,
)
def test_wrong_cell_has_a_reason(cells: dict[str, str], problem: str) -> None:
    assert problem in str(row_of(**cells).problem)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no column"),
        (b"username,email\n", "no rows"),
        (b"username;name\nx;y\n", "no column email"),
        (b"username,email,password\nx,y,z\n", "no column 'password'"),
        (b"username,email,login\nx,y,z\n", "username twice"),
        (b'username,email\n"x,y\n', "quotation mark"),
        (b"PK\x03\x04\x00\x00", "not a text file"),
        (b"username,email\n" + b"a,b\n" * (MOST_ROWS + 1), "more than 5,000 rows"),
        (b"x" * (LARGEST_FILE + 1), "larger than"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_unreadable_file_has_a_reason(content: bytes, problem: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_account_file(content)
    assert problem in str(caught.value)


def test_duplicates_name_the_earlier_line() -> None:
    text = "username,email\na,a@x.org\nA,b@x.org\nc,A@X.org\nd,d@x.org,extra\n"
    problems = [str(row.problem or "") for row in read_account_file(text.encode()).rows]
    assert problems == [
        "",
        "Line 2 has this user name already.",
        "Line 2 has this email address already.",
        "The row has more cells than the first line.",
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"cost_centre": "4711"}, None),
        ({"team": "PHYSIK"}, None),
        ({"username": "alice"}, "There is an account called alice already."),
        ({"email": "Alice@example.org"}, "Another account has this email address already."),
        ({"team": "Biologie"}, "There is no team called Biologie."),
        ({"team": "Chemie"}, "The team Chemie is suspended. Activate it first."),
        ({"cost_centre": "1"}, "The team Physik has the cost centre 4711."),
        ({"team": "", "cost_centre": "1"}, "A cost centre needs a team."),
        ({"template": "coding"}, "There is no expert template called coding."),
    ],
    ids=str,
)
def test_rows_are_compared_with_the_portal(changes: dict[str, str], problem: str | None) -> None:
    (row,) = checked_rows([replace(DORA, **changes)], KNOWN)  # type: ignore[arg-type]  # they are texts
    assert (row.problem and str(row.problem)) == problem
