"""The one check of hosts and origins, rule by rule."""

import pytest
from starlette.datastructures import Headers

from portal.settings import Settings
from portal.web.origins import Origins

EVERYWHERE = "0.0.0.0"  # noqa: S104  # a setting; nothing listens
PUBLIC = "https://portal.example.org"


def origins(**configured: str) -> Origins:
    return Origins(Settings.model_validate(configured))


def is_foreign(host: str, *sent: tuple[str, str], kind: str = "http", **configured: str) -> bool:
    headers = Headers(raw=[(name.lower().encode(), value.encode()) for name, value in sent])
    return origins(**configured).is_foreign(headers, host, kind)


@pytest.mark.parametrize(
    ("host", "configured", "is_own"),
    [
        pytest.param("127.0.0.1:8080", {}, True, id="the address that is listened on"),
        pytest.param("localhost:8080", {}, True, id="its usual name"),
        pytest.param("LocalHost.:8080", {}, True, id="upper case and a dot at the end"),
        pytest.param("[::1]:8080", {}, True, id="the same in IPv6"),
        pytest.param("evil.example", {}, False, id="a foreign name that points here"),
        pytest.param("localhost.evil.example", {}, False, id="a name that begins like ours"),
        pytest.param("evil.example:8080@localhost", {}, False, id="a name in front of ours"),
        pytest.param("", {}, False, id="none"),
        pytest.param("local host", {}, False, id="not a name"),
        pytest.param("portal.example.org", {"base_url": PUBLIC}, True, id="the public name"),
        pytest.param("portal.example.org:444", {"base_url": PUBLIC}, True, id="at another port"),
        pytest.param("other.example.org", {"base_url": PUBLIC}, False, id="not its neighbours"),
        pytest.param("portal.lan", {"allowed_hosts": "a.lan, Portal.lan"}, True, id="a name that was added"),
        pytest.param("192.0.2.7:8080", {"host": "192.0.2.7"}, True, id="one address of several"),
        pytest.param("[2001:db8::7]:8080", {"host": "2001:db8::7"}, True, id="an IPv6 address"),
        pytest.param("anything.lan:8080", {"host": EVERYWHERE}, True, id="any name, when no setting names one"),
        pytest.param("anything.lan", {"host": EVERYWHERE, "allowed_hosts": "a.lan"}, False, id="not when one does"),
        pytest.param("no/name", {"host": EVERYWHERE}, False, id="always a name"),
    ],
)
def test_only_our_own_hosts_are_answered(host: str, configured: dict[str, str], is_own: bool) -> None:
    assert (origins(**configured).host(Headers({"Host": host})) is not None) == is_own


def test_two_hosts_are_none() -> None:
    assert origins().host(Headers(raw=[(b"host", b"localhost"), (b"host", b"localhost")])) is None


SECURE = {"base_url": PUBLIC}


@pytest.mark.parametrize(
    ("origin", "host", "configured", "is_own"),
    [
        pytest.param("http://localhost:8080", "localhost:8080", {}, True, id="scheme, host and port"),
        pytest.param("https://localhost:8080", "localhost:8080", {}, True, id="behind a proxy with TLS"),
        pytest.param("http://localhost:9999", "localhost:8080", {}, False, id="another port"),
        pytest.param("http://localhost", "localhost:8080", {}, False, id="no port"),
        pytest.param("http://other:8080", "localhost:8080", {}, False, id="another host"),
        pytest.param("ftp://localhost:8080", "localhost:8080", {}, False, id="another scheme"),
        pytest.param("null", "localhost:8080", {}, False, id="none"),
        pytest.param("", "localhost:8080", {}, False, id="empty"),
        pytest.param("http://[", "localhost:8080", {}, False, id="malformed"),
        pytest.param("http://localhost", "localhost:80", {}, True, id="the port that http implies"),
        pytest.param("https://localhost", "localhost:443", {}, True, id="the port that https implies"),
        pytest.param("http://localhost:443", "localhost:443", {}, True, id="not the port of another scheme"),
        pytest.param(PUBLIC, "portal.example.org", SECURE, True, id="the public address"),
        pytest.param(PUBLIC, "127.0.0.1:8080", SECURE, True, id="behind a proxy with its own Host"),
        pytest.param("http://portal.example.org", "portal.example.org", SECURE, False, id="the same without TLS"),
        pytest.param("http://127.0.0.1:8080", "127.0.0.1:8080", SECURE, True, id="the machine itself needs no TLS"),
        pytest.param("https://portal.example.org:444", "portal.example.org", SECURE, False, id="its other port"),
        pytest.param("http://a.lan", "localhost", {"allowed_hosts": "a.lan"}, True, id="an added host"),
        pytest.param("http://a.lan:81", "localhost", {"allowed_hosts": "a.lan"}, False, id="its other port"),
        pytest.param("http://a.lan", "a.lan", {**SECURE, "allowed_hosts": "a.lan"}, False, id="without TLS"),
        pytest.param("https://a.lan", "a.lan", {**SECURE, "allowed_hosts": "a.lan"}, True, id="with TLS"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_own_origins(origin: str, host: str, configured: dict[str, str], is_own: bool, kind: str) -> None:
    assert is_foreign(host, ("Origin", origin), kind=kind, **configured) == (not is_own)


OWN = ("Origin", "http://localhost:8080")


def test_every_origin_must_be_own() -> None:
    assert not is_foreign("localhost:8080", OWN, OWN)
    assert is_foreign("localhost:8080", OWN, ("Origin", "https://evil.example"))


@pytest.mark.parametrize(("site", "is_own"), [("none", True), ("same-origin", True), ("same-site", False)])
@pytest.mark.parametrize("origin", [(), (OWN,)], ids=["without origin", "with our origin"])
def test_site_must_be_own(site: str, is_own: bool, origin: tuple[tuple[str, str], ...]) -> None:
    assert is_foreign("localhost:8080", ("Sec-Fetch-Site", site), *origin) == (not is_own)


def test_websocket_with_our_origin_may_come_from_another_site() -> None:
    site = ("Sec-Fetch-Site", "cross-site")
    assert not is_foreign("localhost:8080", site, OWN, kind="websocket")
    assert is_foreign("localhost:8080", site, kind="websocket")


def test_program_sends_neither() -> None:
    assert not is_foreign("localhost:8080")
