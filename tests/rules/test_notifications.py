"""Webhooks of people lead to the internet, and their requests are signed."""

import pytest

from portal.rules.notifications import (
    FOR_EVERYBODY,
    Channel,
    Topic,
    clean_webhook_url,
    host_of,
    is_on_by_default,
    is_public,
    signature,
    topics_of,
)
from portal.rules.text import InvalidText


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104  # an address to refuse
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("hooks.example.org", False),
    ],
)
def test_public_addresses(address: str, expected: bool) -> None:
    assert is_public(address) is expected


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/x",
        "https://localhost/x",
        "https://127.0.0.1/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://0x7f000001/x",
        "https://[::1]/x",
        "https://[fd00::1]:8443/x",
        "https://printer.local/x",
        "https://intranet/x",
        "https://user:password@hooks.example.org/x",
        "https://hooks.example.org:99999/x",
        "https:///x",
        "https://[::1/x",
        "file:///etc/passwd",
        "hooks.example.org",
        "https://hooks.example.org/\nx",
        "https://hooks.example.org/ü",
        "https://hooks.example.org/" + "x" * 2000,
        "",
    ],
)
def test_webhook_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(InvalidText):
        clean_webhook_url(url)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://hooks.example.org/services/T0/B0?x=1", False),
        ("https://8.8.8.8:8443/", False),
        ("http://127.0.0.1:9000/hook", True),
        ("https://intranet/x", True),
    ],
)
def test_webhook_is_accepted(url: str, private: bool) -> None:
    assert clean_webhook_url(f"  {url} ", private=private) == url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.example.org:8443/services/secret", "hooks.example.org"),
        ("ntfys://secret-topic", "ntfys://…"),
        ("slack://xoxb-1234-secret/#general", "slack://…"),
        ("matrixs://user:secret@matrix.example.org/#room", "matrixs://…"),
    ],
)
def test_shown_host_has_no_secret(url: str, shown: str) -> None:
    assert host_of(url) == shown


def test_signature_is_that_of_hmac_tools() -> None:
    # printf '1795356300.{"a":1}' | openssl dgst -sha256 -hmac secret
    expected = "85277946f4b17083a54c031cc9aad4bc28bd616c060c583c71d5f2822b2c6b8d"
    assert signature("secret", 1795356300, b'{"a":1}') == expected


def test_alerts_by_mail_are_off_at_first_and_all_else_on() -> None:
    off = {(topic, channel) for topic in Topic for channel in Channel if not is_on_by_default(topic, channel)}
    assert off == {(Topic.ALERT, Channel.MAIL)}


def test_only_administrators_get_topics_of_operation() -> None:
    assert topics_of("user") == topics_of("expert") == FOR_EVERYBODY
    assert set(topics_of("admin")) == set(Topic)
