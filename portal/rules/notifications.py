"""The topics that people and administrators are notified of, and the channels that carry them.

Decision: a topic is on for every channel by default, so whoever sets up a channel gets what it is for; each can be
switched off alone. Budget alerts by mail are the exception: they have their own switch on Billing, which is off at
first.

Decision: a person enters addresses here that the server then calls. By default only HTTPS and public addresses are
accepted, so that nobody reaches services of the server's own network this way. The address is checked when it is
entered, as far as that is possible without a lookup, and again when a connection is made, since a name may lead
elsewhere by then.
"""

import hmac
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from portal.rules.messages import message
from portal.rules.people.accounts import Role
from portal.rules.text import InvalidText

LONGEST_URL = 2000
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a translator (NAT64) turns into the IPv4 address in their last 32 bits."""


class Channel(StrEnum):
    """The way a message reaches its reader."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    CHAT = "chat"


class Topic(StrEnum):
    """The reason for a notification; the `kind` of its messages in the outbox."""

    ALERT = "alert"
    REQUEST = "budget_request"
    VERIFICATION = "verification"
    SILENT = "gateway_silent"
    UNPRICED = "unpriced"
    HELD = "held"
    GIVEN_UP = "given_up"


FOR_EVERYBODY = (Topic.ALERT, Topic.REQUEST)
FOR_ADMINISTRATORS = (Topic.VERIFICATION, Topic.SILENT, Topic.UNPRICED, Topic.HELD, Topic.GIVEN_UP)


def topics_of(role: str) -> tuple[Topic, ...]:
    """Return the topics that an account with this role may get."""
    return FOR_EVERYBODY + (FOR_ADMINISTRATORS if role == Role.ADMIN else ())


def is_on_by_default(topic: Topic, channel: Channel) -> bool:
    """Return whether a topic is on for a channel until it is switched off."""
    return (topic, channel) != (Topic.ALERT, Channel.MAIL)


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the internet, not to this machine or a private network."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = None if ip.version == 4 else _embedded(ip)
    return ip.is_global and not ip.is_multicast and (inner is None or is_public(str(inner)))


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to."""
    if ip in _TRANSLATED:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def clean_webhook_url(text: str, *, private: bool = False) -> str:
    """Return the address of a webhook; `private` allows HTTP and private addresses too. Raises InvalidText."""
    url = text.strip()
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidText(message("This is no address of a webhook."))
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidText(message("This is no address of a webhook.")) from None
    if parts.scheme not in ({"https", "http"} if private else {"https"}) or not host or "@" in parts.netloc:
        raise InvalidText(message("Enter an address that begins with https://, without a user name."))
    if not private and not may_be_public(host):
        raise InvalidText(message("Addresses of this machine or of a private network are not allowed here."))
    return url


def may_be_public(host: str) -> bool:
    """Return whether a host may be on the internet, as far as its name shows."""
    name = host.lower().rstrip(".")
    if ":" in name or name.rpartition(".")[2].isdecimal() or name.rpartition(".")[2].startswith("0x"):
        return is_public(name)
    return "." in name and not name.endswith((".localhost", ".local", ".internal", ".home.arpa", ".lan"))


def host_of(url: str) -> str:
    """Return the host of an address, to show where messages go; addresses themselves may hold secrets.

    Addresses of chat services have a token or a topic in place of a host, so only the name of the service is shown.
    """
    parts = urlsplit(url)
    return (parts.hostname or "")[:254] if parts.scheme in {"http", "https"} else f"{parts.scheme}://…"


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a webhook's request: HMAC-SHA256 over `timestamp`, a dot and the body, in hex."""
    return hmac.new(secret.encode(), b"%d.%b" % (timestamp, body), sha256).hexdigest()
