"""The environment that other programs get from a frozen program."""

import os
import sys

import pytest

from portal.system.children import clean_environment

GIVEN = {
    "_PYI_ARCHIVE_FILE": "x",
    "LD_LIBRARY_PATH": "/of/the/file",
    "LD_LIBRARY_PATH_ORIG": "/of/the/user",
    "KEPT": "1",
}


@pytest.mark.parametrize(
    ("is_frozen", "given", "expected"),
    [
        pytest.param(True, GIVEN, {"LD_LIBRARY_PATH": "/of/the/user", "KEPT": "1"}, id="a path of the user returns"),
        pytest.param(True, {"LD_LIBRARY_PATH": "/of/the/file"}, {}, id="a path of the file goes"),
        pytest.param(False, GIVEN, GIVEN, id="an installation changes nothing"),
    ],
)
def test_environment(
    monkeypatch: pytest.MonkeyPatch, is_frozen: bool, given: dict[str, str], expected: dict[str, str]
) -> None:
    monkeypatch.setattr(sys, "frozen", is_frozen, raising=False)
    monkeypatch.setattr(os, "environ", dict(given))
    clean_environment()
    assert dict(os.environ) == expected
