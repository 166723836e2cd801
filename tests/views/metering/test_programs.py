from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from portal.actions.metering.gateways import connect_program
from portal.actions.metering.reports import store_reports
from portal.db.metering.gateways import gateways_of
from portal.db.metering.programs import last_received
from portal.db.tables import Account
from portal.rules.metering.programs import Program
from portal.rules.metering.reporters import Reporter
from portal.rules.metering.usage import Entry, Rejected
from portal.settings import settings
from portal.views.metering import programs
from portal.views.metering.programs import ProgramState, ProgramView, load_programs
from tests.cast import NOW, acting, report, run
from tests.desktops import use_desktop

MINUTE = timedelta(minutes=1)


@pytest.fixture
def owner(admin: Account) -> Account:
    """The person of a desktop program with Ollama and curl connected."""
    use_desktop()
    for program in (Program.OLLAMA, Program.CURL):
        run(connect_program, acting(admin), program, NOW)
    return admin


def arrives(
    owner: Account, *entries: Entry, program: Program = Program.OLLAMA, minutes: int = 0, ignored: int = 0
) -> None:
    [row] = [row for row in run(gateways_of, owner.id) if row.mode == program]
    reporter, now = Reporter(row.id, row.mode, owner_id=owner.id), NOW + minutes * MINUTE
    run(store_reports, reporter, entries, settings().budget_zone, now, ignored=ignored)


def seen(owner: Account, program: Program = Program.OLLAMA, *, days: int = 0) -> ProgramView:
    view = run(load_programs, owner.id, NOW + timedelta(days=days) + 10 * MINUTE)
    return next(each for each in view.programs if each.program is program)


def test_all_programs_are_shown_in_their_order(owner: Account, alice: Account) -> None:
    view = run(load_programs, owner.id, NOW)
    assert [each.program for each in view.programs] == list(Program)
    assert [each.state for each in view.programs] == ["waiting", "off", "off", "off", "off", "waiting"]
    assert {each.state for each in run(load_programs, alice.id, NOW).programs} == {ProgramState.OFF}


def test_first_usage_turns_the_light_green(owner: Account) -> None:
    assert (seen(owner).state, len(seen(owner).token_prefix or "")) == (ProgramState.WAITING, 16)
    arrives(owner, report(username=None, mode="ollama"))
    arrives(owner, report("r-2", username=None, mode="ollama", requested_at=NOW + MINUTE), minutes=1)
    found = seen(owner)
    assert (found.state, str(found.sentence), found.at) == (ProgramState.CONNECTED, "First usage", NOW)
    assert (found.today, found.mode) == (2, "ollama")
    assert seen(owner, Program.CURL).state is ProgramState.WAITING


def test_history_is_not_read_for_a_program_without_usage(owner: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    arrives(owner, report(username=None, mode="ollama"))
    read: list[int] = []

    def note_and_read(session: Session, account_id: int, gateway_id: int) -> datetime | None:
        read.append(gateway_id)
        return last_received(session, account_id, gateway_id)

    monkeypatch.setattr(programs, "last_received", note_and_read)
    assert seen(owner, Program.CURL).state is ProgramState.WAITING
    assert read == [row.id for row in run(gateways_of, owner.id) if row.mode == Program.OLLAMA]


def test_requests_of_other_days_are_not_of_today(owner: Account) -> None:
    arrives(owner, report(username=None, mode="ollama"))
    assert (seen(owner, days=1).today, seen(owner, days=1).state) == (0, ProgramState.CONNECTED)


@pytest.mark.parametrize(
    ("modes", "selecting"),
    [
        pytest.param(("ollama", "ollama"), "ollama", id="one mode"),
        pytest.param(("ollama", "native"), None, id="two modes"),
    ],
)
def test_mode_selects_exactly_the_requests_of_today(
    owner: Account, modes: tuple[str, str], selecting: str | None
) -> None:
    for number, mode in enumerate(modes):
        arrives(owner, report(f"r-{number}", username=None, mode=mode))
    assert (seen(owner).today, seen(owner).mode) == (2, selecting)


def test_mode_that_another_program_uses_selects_nothing(owner: Account) -> None:
    for program in (Program.OLLAMA, Program.CURL):
        arrives(owner, report(username=None, mode="ollama"), program=program)
    assert (seen(owner).today, seen(owner).mode) == (1, None)


def test_newest_event_decides_about_the_light(owner: Account) -> None:
    arrives(owner, Rejected("r-0", "There is no model."))
    assert (seen(owner).state, str(seen(owner).sentence)) == (ProgramState.REJECTED, "Rejected: There is no model.")
    arrives(owner, report(username=None, mode="ollama"), minutes=1)
    assert seen(owner).state is ProgramState.CONNECTED
    arrives(owner, report(username=None, mode="ollama", prompt_tokens=1), minutes=2)
    found = seen(owner)
    assert (found.state, found.at) == (ProgramState.HELD, NOW + 2 * MINUTE)
    assert "other content" in str(found.sentence)


@pytest.mark.parametrize(("days", "state"), [(6, ProgramState.REJECTED), (7, ProgramState.HELD)])
def test_rejected_event_is_shown_for_a_week(owner: Account, days: int, state: ProgramState) -> None:
    arrives(owner, Rejected("r-0", "There is no model."))
    assert seen(owner, days=days).state is state


def test_reports_without_usage_are_named(owner: Account) -> None:
    arrives(owner, ignored=3)
    assert (seen(owner).state, "no usage is in it" in str(seen(owner).sentence)) == (ProgramState.HELD, True)


def test_many_events_show_the_last_usage(owner: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.db.metering.gateways.MOST_SEARCHED", 1)
    arrives(owner, report(username=None))
    arrives(owner, report("r-2", username=None), minutes=1)
    assert (str(seen(owner).sentence), seen(owner).at) == ("Last usage", NOW + MINUTE)
