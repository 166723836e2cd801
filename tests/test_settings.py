"""Settings that do not go together are refused at the start, with a sentence."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from portal.cli.console import sentence
from portal.settings import Settings

MAIL: dict[str, Any] = {
    "base_url": "https://portal.example.org",
    "smtp_host": "smtp.example.org",
    "smtp_from": "MoE Portal <portal@example.org>",
}
PAIR = "PORTAL_SMTP_PASSWORD: PORTAL_SMTP_USERNAME and PORTAL_SMTP_PASSWORD go together; set both or none."


@pytest.mark.parametrize(
    ("changed", "said"),
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
            "PORTAL_SMTP_HOST: mails lead people to the portal; set PORTAL_BASE_URL too.",
            id="no address of the portal",
        ),
        pytest.param(
            {"smtp_host": ""},
            "PORTAL_SMTP_FROM: there is no mail server it is for; set PORTAL_SMTP_HOST.",
            id="no server",
        ),
        pytest.param({"smtp_username": "portal"}, PAIR, id="no password"),
        pytest.param({"smtp_password": "secret"}, PAIR, id="no user name"),
        pytest.param(
            {"smtp_security": "ssl"}, "PORTAL_SMTP_SECURITY: Input should be 'starttls', 'tls' or", id="security"
        ),
        pytest.param({"smtp_port": 0}, "PORTAL_SMTP_PORT: ", id="port"),
        pytest.param({"smtp_timeout": 0}, "PORTAL_SMTP_TIMEOUT: ", id="timeout"),
    ],
)
def test_mail_settings_go_together(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**{**MAIL, **changed})
    assert sentence(refused.value).startswith(said)


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
