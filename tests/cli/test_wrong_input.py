"""Whatever is wrong with a command, or around it, is a sentence and an exit status, never a traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.settings import settings
from tests.cli.terminal import commands, portal

PORTAL = [sys.executable, "-m", "portal", "--quiet"]

WRONG: dict[str, tuple[int, str]] = {
    "serve --port many": (2, "valid integer"),
    "demo --port 99999": (2, "65535"),
    "demo --seed -1": (2, "greater than or equal to 0"),
    "desktop --port 0": (2, "1 to 65535"),
    "desktop --port 99999": (2, "1 to 65535"),
    "migrate now": (2, "unexpected extra argument"),
    "backup": (2, "Missing argument"),
    "backup .": (1, ". exists and is not a backup of MoE Portal"),
    "backup README.md": (1, "README.md exists and is not a backup of MoE Portal"),
    "backup nowhere/portal.zip": (1, "nowhere/portal.zip cannot be written: No such file or directory"),
    "restore nowhere.zip": (1, "No such file or directory: nowhere.zip"),
    "restore README.md --replace": (1, "is not a backup of MoE Portal, or it is damaged"),
    "verify now": (2, "unexpected extra argument"),
    "rebuild --budget-timezone Mars": (2, "no IANA time zone"),
    "user create": (2, "Missing argument"),
    "user create bob --email b@example.org": (2, "send the password to --password-stdin"),
    "user create bob --email b@example.org --role king": (2, "is not one of"),
    "user create bob --email nowhere --password-stdin": (1, "does not look like an email address"),
    "user create alice --email b@example.org --password-stdin": (1, "an account called alice already"),
    "user password nobody --password-stdin": (1, "no account called nobody"),
    "user list all": (2, "unexpected extra argument"),
    "user suspend nobody": (1, "no account called nobody"),
    "user activate nobody": (1, "no account called nobody"),
    "user show nobody": (1, "no account called nobody"),
    "user sign-out nobody": (1, "no account called nobody"),
    "user sign-out alice --session 99": (1, "ended already"),
    "user unlock nobody": (1, "no account called nobody"),
    "user password-link nobody": (1, "no account called nobody"),
    "user password-link alice --mail": (1, "Set PORTAL_BASE_URL first"),
    "user import": (2, "Missing argument"),
    "user import nowhere.csv": (1, "No such file or directory: nowhere.csv"),
    "user import README.md --preview": (1, "There is no column"),
    "user bulk suspend": (2, "name a filter, or say --all"),
    "user bulk suspend --all": (2, "say --yes"),
    "user bulk team --to Nobody --all --yes": (1, "no team called Nobody"),
    "user bulk budget --daily 1.5 --all --yes": (2, "a limit is a whole number"),
    "user edit alice": (2, "say what to change"),
    "user edit nobody --role admin": (1, "no account called nobody"),
    "user delete nobody --yes": (1, "no account called nobody"),
    "user delete alice": (2, "say --yes"),
    "key create nobody --label x": (1, "no account called nobody"),
    "key create alice --label x --expires yesterday": (2, "A day looks like"),
    "key create alice --label x --expires 2020-01-01": (1, "must expire in the future"),
    "key list nobody": (1, "no account called nobody"),
    "key revoke alice moe-sk-0": (1, "No key of alice"),
    "key budget alice moe-sk-0 --daily 1": (1, "No key of alice"),
    "key budget nobody moe-sk-0 --daily 1": (1, "no account called nobody"),
    "key budget alice moe-sk-0": (2, "say what to set"),
    "key budget alice moe-sk-0 --daily many": (2, "a whole number of tokens, or none"),
    "gateway create": (2, "Missing argument"),
    "gateway token nowhere": (1, "no gateway called nowhere"),
    "gateway list all": (2, "unexpected extra argument"),
    "gateway revoke nowhere": (1, "no gateway called nowhere"),
    "budget set nobody --daily 1": (1, "no account called nobody"),
    "budget set alice --daily many": (2, "whole number"),
    "budget set alice --daily 99999999999999999999": (1, "from 0 to 1,000,000,000,000,000"),
    "budget show nobody": (1, "no account called nobody"),
    "budget list all": (2, "unexpected extra argument"),
    "budget default king": (2, "is not one of"),
    "budget allow alice --period weekly --tokens 1 --reason r --until 2030-01-01": (2, "is not one of"),
    "budget allow nobody --period daily --tokens 1 --reason r --until 2030-01-01": (1, "no account called nobody"),
    "budget allowances nobody": (1, "no account called nobody"),
    "budget end 99": (1, "no such allowance"),
    "team list --sort password": (2, "sorted by one of"),
    "team list --status gone": (2, "is not one of"),
    "team show nowhere": (1, "no team called nowhere"),
    "team create Lab --daily many": (2, "whole number"),
    "team change nowhere": (2, "say what to change"),
    "team budget nowhere": (2, "say what to set"),
    "team budget nowhere --daily 1": (1, "no team called nowhere"),
    "team move alice nowhere": (1, "no team called nowhere"),
    "team move nobody none": (1, "no account called nobody"),
    "team manager nowhere alice": (1, "no team called nowhere"),
    "team suspend nowhere": (1, "no team called nowhere"),
    "team activate nowhere": (1, "no team called nowhere"),
    "team delete nowhere": (1, "no team called nowhere"),
    "admin-token create nobody --label x --scope usage:read": (1, "no account called nobody"),
    "admin-token list all": (2, "unexpected extra argument"),
    "admin-token revoke moe-ad-0": (1, "admin token"),
    "note list": (1, "Search for a text"),
    "audit list --from someday": (2, "A day looks like"),
    "usage requests --gateway x": (2, "the number of an account"),
    "usage chargeback --month 2026": (2, "A month looks like 2026-11."),
    "usage list --team red": (2, "the number of an account"),
    "export person nobody --output nobody.zip": (1, "no account called nobody"),
    "request list --state lost": (2, "one of open, approved"),
    "request approve 99": (1, "no such request"),
    "request decline 99 --answer No": (1, "no such request"),
    "price set many": (2, "decimal number"),
    "price set 1e400": (1, "0 to 1 EUR"),
    "price set 0.1 --from someday": (2, "A day looks like"),
    "price end gpt-4o": (1, "no price of gpt-4o"),
    "price list all": (2, "unexpected extra argument"),
    "price remove 2020-01-01": (1, "no price that begins"),
    "price repair now": (2, "unexpected extra argument"),
    "price import nowhere.json --rate 1 --rate-day 2026-11-01": (1, "No such file or directory"),
    "price import README.md --rate 1 --rate-day someday": (2, "A day looks like"),
    "price import README.md --rate 1 --rate-day 2026-11-01": (1, "not a JSON file"),
    "price preview 0.1 --month 2026-13": (2, "A month looks like"),
    "template set nowhere.json": (1, "No such file or directory: nowhere.json."),
    "template set /": (1, "Is a directory: /."),
    "template assign alice nowhere": (1, "no expert template called nowhere"),
    "template delete nowhere": (1, "no expert template called nowhere"),
    "template export nowhere": (1, "no expert template called nowhere"),
    "template import nowhere.json": (1, "No such file or directory: nowhere.json."),
    "template list all": (2, "unexpected extra argument"),
    "held list all": (2, "unexpected extra argument"),
    "held show 99999999999999999999": (2, "less than or equal to"),
    "held show 99": (1, "number 99"),
    "held assign alice 99": (1, "number 99"),
    "held dismiss 99": (1, "number 99"),
    "mail failed all": (2, "unexpected extra argument"),
    "mail retry 99": (1, "no such message"),
    "system show all": (2, "unexpected extra argument"),
    "system test-channel mail": (1, "no address"),
    "system test-channel pigeon": (2, "is not one of"),
    "prune --keep-events 1d": (2, "at least 100"),
    "import usage nowhere.csv": (1, "No such file or directory: nowhere.csv."),
    "import usage nowhere.csv --timezone Mars": (2, "no time zone called Mars"),
    "import moe-sovereign": (2, "say which database"),
    "import moe-sovereign nowhere": (1, "not the address"),
    "follow moe-sovereign postgresql://127.0.0.1:1/x --every 0": (2, "greater than or equal to"),
    "follow moe-sovereign nowhere": (1, "not the address"),
}  # fmt: skip
"""For every command something that cannot be done: with which exit status, and what the sentence says."""


@pytest.mark.parametrize("words", WRONG)
def test_wrong_input_is_one_sentence(words: str, db: Database, alice: Account) -> None:
    status, sentence = WRONG[words]
    done = portal("--quiet", *words.split(), typed="four words are enough\n")
    assert done.exit_code == status, done.output
    last = done.stderr.splitlines()[-1]
    assert last.startswith("portal: " if status == 1 else "Error: ")
    assert sentence in last


def test_wrong_input_is_tried_on_every_command() -> None:
    tried = {next((c for c in commands() if words.split()[: len(c)] == list(c)), None) for words in WRONG}
    assert tried == set(commands())


@pytest.fixture
def variables(db: Database, alice: Account) -> dict[str, str]:
    """The environment of a program that uses the database of this test."""
    return os.environ | {"PORTAL_DATABASE_URL": settings().url}


PRINTING = ["--help", "user list", "user list --json", "budget show alice"]


@pytest.mark.parametrize("words", PRINTING)
def test_closed_output_is_no_failure(words: str, variables: dict[str, str]) -> None:
    command = ["sh", "-c", '"$@" <&- >&-', "sh", *PORTAL, *words.split()]
    done = subprocess.run(command, env=variables, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", PRINTING)
def test_reader_that_has_enough_ends_the_command_silently(words: str, variables: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as output:
        command = [*PORTAL, *words.split()]
        done = subprocess.run(command, env=variables, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("words", PRINTING)
def test_full_disk_is_one_sentence(words: str, variables: dict[str, str]) -> None:
    with Path("/dev/full").open("wb") as output:
        command = [*PORTAL, *words.split()]
        done = subprocess.run(command, env=variables, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "portal: No space left on device.\n")


def test_command_that_is_interrupted_ends_silently(variables: dict[str, str]) -> None:
    command = [*PORTAL[:-1], "user", "password", "alice", "--password-stdin"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as program:
        assert program.stderr is not None
        assert program.stderr.readline().startswith("Database: ")
        program.send_signal(signal.SIGINT)
        assert (program.wait(10), program.stderr.read()) == (130, "")
