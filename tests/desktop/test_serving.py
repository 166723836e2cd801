"""The log of the desktop program."""

import errno
import logging
import stat
from contextlib import closing
from pathlib import Path

import pytest

from portal.desktop.serving import OwnLog


def test_log_refuses_a_link_that_appears_later(tmp_path: Path) -> None:
    log, other = tmp_path / "log", tmp_path / "other"
    log.symlink_to(other)
    with pytest.raises(OSError, match=str(log)) as caught:
        OwnLog(log, encoding="utf-8")
    assert caught.value.errno == errno.ELOOP
    assert not other.exists()


def test_log_is_for_its_owner_and_goes_on_in_a_new_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with closing(OwnLog(log, maxBytes=10, backupCount=1, encoding="utf-8")) as handler:
        for line in ("first line", "second line"):
            handler.emit(logging.LogRecord("portal", logging.INFO, "", 0, line, None, None))
    assert log.read_text(encoding="utf-8") == "second line\n"
    assert (tmp_path / "log.1").read_text(encoding="utf-8") == "first line\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
