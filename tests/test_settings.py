"""Settings that do not go together are refused at the start, with a sentence."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from portal.cli.console import sentence
from portal.settings import ELSEWHERE, SECRETS, Settings, WrongSettings, known_variables, settings
from tests.portals import ROOT

MAIL: dict[str, Any] = {
    "base_url": "https://portal.example.org",
    "smtp_host": "smtp.example.org",
    "smtp_from": "MoE Portal <portal@example.org>",
}
PAIR = "PORTAL_SMTP_PASSWORD: PORTAL_SMTP_USERNAME and PORTAL_SMTP_PASSWORD go together; set both or none."


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param(
            {"smtp_from": ""},
            "PORTAL_SMTP_FROM: mails need a sender, such as MoE Portal <portal@example.org>.",
            id="no sender",
        ),
        pytest.param({"smtp_from": "MoE Portal"}, "PORTAL_SMTP_FROM: That does not look like", id="no address in it"),
        pytest.param(
            {"smtp_from": "a@b.org\nBcc: c@d.org"}, "PORTAL_SMTP_FROM: The sender must be one line", id="lines"
        ),
        pytest.param({"smtp_from": "a@b.org, c@d.org"}, "PORTAL_SMTP_FROM: mails have one sender", id="two senders"),
        pytest.param(
            {"base_url": None},
            "PORTAL_SMTP_HOST: mails contain links to the portal; set PORTAL_BASE_URL too.",
            id="no address of the portal",
        ),
        pytest.param(
            {"smtp_host": ""},
            "PORTAL_SMTP_FROM: there is no mail server that uses it; set PORTAL_SMTP_HOST.",
            id="no server",
        ),
        pytest.param({"smtp_username": "portal"}, PAIR, id="no password"),
        pytest.param({"smtp_password": "secret"}, PAIR, id="no user name"),
        pytest.param(
            {"smtp_security": "ssl"}, "PORTAL_SMTP_SECURITY must be 'starttls', 'tls' or 'none'.", id="security"
        ),
        pytest.param({"smtp_port": 0}, "PORTAL_SMTP_PORT must be at least 1.", id="port"),
        pytest.param({"smtp_timeout": 0}, "PORTAL_SMTP_TIMEOUT must be at least 1.", id="timeout"),
    ],
)
def test_mail_settings_go_together(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**{**MAIL, **changed})
    assert sentence(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("given", "is_set_up"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param(
            dict.fromkeys(["smtp_host", "smtp_from", "smtp_username", "smtp_password"], ""), False, id="empty"
        ),
        pytest.param(MAIL, True, id="what is needed"),
        pytest.param({**MAIL, "smtp_username": "portal", "smtp_password": "secret"}, True, id="with a login"),
    ],
)
def test_mail_is_set_up_or_not(given: dict[str, Any], is_set_up: bool) -> None:
    assert Settings(**given).mail_is_set_up is is_set_up


def test_the_password_is_never_shown() -> None:
    assert "opensesame" not in repr(Settings(**MAIL, smtp_username="portal", smtp_password=SecretStr("opensesame")))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("PORTAL_DATABSE_URL", "Did you mean PORTAL_DATABASE_URL?", id="a slip"),
        pytest.param("PORTAL_SMTP_PASSWORD_FIEL", "Did you mean PORTAL_SMTP_PASSWORD_FILE?", id="a slip in _FILE"),
        pytest.param("portal_hosts", "Did you mean PORTAL_HOST?", id="in small letters"),
        pytest.param("PORTAL_QQXXZZ", "docs/settings.md lists all settings.", id="like nothing"),
        pytest.param("PORTAL_PORT_FILE", "Only secrets can be in files: PORTAL_", id="a file for no secret"),
    ],
)
def test_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, message: str) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(WrongSettings) as refused:
        settings()
    assert str(refused.value).startswith(f"There is no setting {name}. ")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "name", [*ELSEWHERE, "PORTAL_TEST_BROWSER", "PORTAL_SERVICE_HOST", "PORTAL_SERVICE_PORT_HTTP", "PORTAL_PORT_80_TCP"]
)
def test_variables_of_others_are_let_pass(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")
    assert settings().port == 8080


def test_examples_use_no_variable_that_would_be_refused() -> None:
    files = [file for file in (ROOT / "examples").rglob("*") if file.is_file()]
    used = {name for file in files for name in re.findall(r"PORTAL_[A-Z_]+", file.read_text(encoding="utf-8"))}
    assert used - ELSEWHERE.keys() - known_variables() == set()


def test_port_that_kubernetes_sets_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_PORT", "tcp://10.0.0.1:80")
    with pytest.raises(WrongSettings, match=r"PORTAL_PORT: Kubernetes sets it .* enableServiceLinks: false"):
        settings()


def in_file(directory: Path, content: bytes) -> str:
    file = directory / "secret file"
    file.write_bytes(content)
    return str(file)


def test_every_secret_can_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert secret | {"database_url"} == set(SECRETS)
    file = in_file(tmp_path, b"sqlite:///open sesame \r\n")
    others = {**MAIL, "smtp_username": "portal", "admin_username": "root"}
    for name, value in {**others, **{f"{name}_file": file for name in SECRETS}}.items():
        monkeypatch.setenv(f"PORTAL_{name.upper()}", value)
    chosen = settings()
    assert chosen.url == "sqlite:///open sesame "
    for read in (chosen.secret, chosen.smtp_password, chosen.admin_password):
        assert read is not None
        assert read.get_secret_value() == "sqlite:///open sesame "


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "cannot be read: No such file or directory", id="no file"),
        pytest.param(b"\n", "is empty", id="an empty file"),
        pytest.param(b"\xff\xfe", "cannot be read: it is not UTF-8 text", id="no text"),
    ],
)
def test_secret_file_that_cannot_be_read_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = str(tmp_path / "none") if content is None else in_file(tmp_path, content)
    monkeypatch.setenv("PORTAL_SECRET_FILE", file)
    with pytest.raises(WrongSettings) as refused:
        settings()
    assert str(refused.value).startswith(f"PORTAL_SECRET_FILE: the file {file} ")
    assert message in str(refused.value)


def test_secret_that_is_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PORTAL_SECRET", "sesame")
    monkeypatch.setenv("PORTAL_SECRET_FILE", in_file(tmp_path, b"sesame"))
    with pytest.raises(WrongSettings) as refused:
        settings()
    assert str(refused.value) == "Both PORTAL_SECRET and PORTAL_SECRET_FILE are set. Set one of them."


def test_values_are_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SMTP_PASSWORD", "opensesame")
    with pytest.raises(WrongSettings) as refused:
        settings()
    assert "opensesame" not in str(refused.value)
    assert refused.value.__suppress_context__, "the error below would show the value in a traceback"


@pytest.mark.parametrize("changed", [{"admin_username": "root"}, {"admin_password": "four words are enough"}])
def test_first_administrator_has_a_name_and_a_password(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="PORTAL_ADMIN_USERNAME and PORTAL_ADMIN_PASSWORD_FILE go together"):
        Settings(**changed)


def test_env_file_is_read_by_the_makefile_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('PORTAL_PORT=8099\nPORTAL_HOST=127.0.0.3\nPORTAL_ORGANISATION="A & $B"\n')
    monkeypatch.chdir(tmp_path)
    assert settings().port == 8080
    command = "import os; print(*(os.environ[f'PORTAL_{name}'] for name in ('PORT', 'HOST', 'ORGANISATION')))"
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "with_env.py", sys.executable, "-c", command],
        env=os.environ | {"PORTAL_HOST": "127.0.0.4"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "8099 127.0.0.4 A & $B\n"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for words in ("portal demo", "portal serve"):
        assert f"$(WITH_ENV) $(BIN)/{words}" in makefile


def test_page_of_settings_is_current() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "write_settings.py"))
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == script["page"](), (
        "run scripts/write_settings.py"
    )


def test_readme_names_only_variables_that_are_read() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bPORTAL_[A-Z_]*[A-Z]\b", text))
    assert named - known_variables() - ELSEWHERE.keys() == set()
    assert "docs/settings.md" in text
