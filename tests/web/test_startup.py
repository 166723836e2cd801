"""The preparations before the server is built."""

import stat
from pathlib import Path

import pytest
from nicegui.testing.general import nicegui_reset_globals
from pydantic import SecretStr

from portal.settings import Settings
from portal.web.server import build
from portal.web.startup import CannotStart, address, storage_secret

EVERYWHERE = "0.0.0.0"  # noqa: S104  # a setting; nothing listens


def test_the_data_directory_and_the_secret_are_nobody_elses(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "data"
    configured = Settings(data_dir=directory)
    with nicegui_reset_globals():
        build(configured)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert [(file.name, stat.S_IMODE(file.stat().st_mode)) for file in directory.iterdir()] == [("secret", 0o600)]
    made = storage_secret(configured)
    assert len(made) == 64
    assert storage_secret(configured) == made


def test_an_operator_may_choose_the_secret(tmp_path: Path) -> None:
    assert storage_secret(Settings(data_dir=tmp_path, secret=SecretStr("chosen"))) == "chosen"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ({}, "http://127.0.0.1:80"),
        ({"host": EVERYWHERE}, "http://localhost:80"),
        ({"host": "::1"}, "http://[::1]:80"),
        ({"base_url": "https://portal.example.org/"}, "https://portal.example.org"),
    ],
)
def test_the_address_is_one_people_can_open(configured: dict[str, str], expected: str) -> None:
    assert address(Settings.model_validate(configured), 80) == expected


def test_a_directory_that_cannot_be_made_is_a_sentence() -> None:
    with pytest.raises(CannotStart, match="cannot be made"):
        build(Settings(data_dir=Path("/dev/null/data")))
