"""The files that a window opens: private, without a ticket until there is one, and without markup in sentences."""

import json
import re
import stat
from pathlib import Path

import pytest

from portal.desktop.start_page import StartPage, write_failure_page, write_ticket_page
from portal.rules.messages import message

MARKUP = message("{what}", what="</script><b>&amp; ü “quoted”\\")


def state_in(script: Path) -> dict[str, str]:
    """Return what a page reads from `state.js`."""
    found = re.fullmatch(r"window\.portalState = (.*);\n", script.read_text(encoding="utf-8"))
    assert found is not None
    state: dict[str, str] = json.loads(found[1])
    return state


def test_ticket_comes_and_goes(tmp_path: Path) -> None:
    page = StartPage("en")
    file = page.write(tmp_path / "window")
    state = file.with_name("state.js")
    assert state_in(state) == {}
    page.go_on(8080, "a-ticket")
    assert state_in(state) == {"action": "http://127.0.0.1:8080/desktop/open", "ticket": "a-ticket"}
    assert "a-ticket" not in file.read_text(encoding="utf-8")
    page.finish()
    assert "ticket" not in state_in(state)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, state, file.parent)] == [0o600, 0o600, 0o700]
    page.remove()
    assert list(file.parent.iterdir()) == []


def test_page_of_a_later_browser_has_the_same_state(tmp_path: Path) -> None:
    page = StartPage("en")
    page.write(tmp_path / "first")
    page.go_on(8080, "a-ticket")
    page.write(tmp_path / "second")
    assert state_in(tmp_path / "second" / "state.js") == state_in(tmp_path / "first" / "state.js")


@pytest.mark.parametrize(
    ("language", "title"), [("en", "MoE Portal cannot start"), ("de", "MoE Portal kann nicht starten")]
)
def test_failure_is_shown_in_the_language(tmp_path: Path, language: str, title: str) -> None:
    page = StartPage(language)
    page.write(tmp_path)
    page.fail("The disk is full.")
    assert state_in(tmp_path / "state.js") == {"title": title, "text": "The disk is full."}


def test_sentences_are_no_markup(tmp_path: Path) -> None:
    file = write_failure_page(tmp_path / "failure.html", "en", MARKUP)
    text = file.read_text(encoding="utf-8")
    assert text.count("</script>") == 1
    inline = re.search(r"follow\((\{.*\})\)", text)
    assert inline is not None
    assert json.loads(inline[1])["text"] == str(MARKUP)


def test_ticket_page_is_one_private_file(tmp_path: Path) -> None:
    file = write_ticket_page(tmp_path / "new" / "open.html", "de", 8080, "a-ticket")
    assert '<html lang="de">' in file.read_text(encoding="utf-8")
    assert '"ticket": "a-ticket"' in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
