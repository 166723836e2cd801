"""The hosts and the origins of the portal: the only check of both.

Decision: an origin is scheme, host and port together. The portal's own origins are those of the requested host, of the
public address, and of the hosts that an operator added; with TLS only those with `https`, except on localhost.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from portal.settings import Settings

_HOST = re.compile(r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])\.?(?::\d{1,5})?", re.IGNORECASE)
_WILDCARDS = {"", "0.0.0.0", "::"}  # noqa: S104  # compared, not listened on
_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
_IMPLIED_PORTS = {"http": ":80", "https": ":443"}
"""Ports that browsers leave out of an origin, but some proxies write into `Host`."""


class Origins:
    """The hosts and origins of the portal, from its settings."""

    def __init__(self, settings: Settings) -> None:
        """Read the hosts from the public URL, the listening address, and the operator's list."""
        public = urlsplit(settings.base_url or "")
        added = {name.strip().lower().rstrip(".") for name in settings.allowed_hosts.split(",")} - {""}
        self._names = {*_LOOPBACK, *added, _in_url(settings.host), _in_url(public.hostname or "")}
        self._takes_all_names = settings.host in _WILDCARDS and not settings.base_url and not added
        self._secure = settings.secure
        self._always = {origin for name in added for origin in self._of_host(name)}
        if public.hostname:
            port = f":{public.port}" if public.port else ""
            self._always.add(_origin(public.scheme, f"{_in_url(public.hostname)}{port}"))

    def host(self, headers: Headers) -> str | None:
        """Return the `Host` of a request, in lower case, if it is the portal's."""
        sent = headers.getlist("host")
        match = _HOST.fullmatch(sent[0]) if len(sent) == 1 else None
        if match is None:
            return None
        return sent[0].lower() if self._takes_all_names or match["name"].lower() in self._names else None

    def is_foreign(self, headers: Headers, host: str, kind: str) -> bool:
        """Return whether a page of another site has sent a request to `host`; `kind` is the type of its ASGI scope.

        Programs send neither `Origin` nor `Sec-Fetch-Site`. For websockets with an origin, only the origin counts:
        browsers compare the site's `http` with the `ws` of the address, and report another site.
        """
        origins = headers.getlist("origin")
        is_other_site = headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
        if is_other_site and not (kind == "websocket" and origins):
            return True
        return not self._always.union(self._of_host(host)).issuperset(origins)

    def _of_host(self, host: str) -> set[str]:
        """Return the origins of pages on a host; a page with `http` does not belong to a portal with TLS."""
        is_loopback = host.rpartition(":")[0] in _LOOPBACK or host in _LOOPBACK
        schemes = ("https",) if self._secure and not is_loopback else ("http", "https")
        return {_origin(scheme, host) for scheme in schemes}


def _in_url(host: str) -> str:
    """Return a host in the form of URLs: in lower case, with IPv6 addresses in brackets."""
    try:
        is_v6 = ipaddress.ip_address(host).version == 6
    except ValueError:
        is_v6 = False
    return f"[{host}]" if is_v6 else host.lower().rstrip(".")


def _origin(scheme: str, host: str) -> str:
    """Return an origin as browsers write it, without the port that the scheme implies."""
    return f"{scheme}://{host.removesuffix(_IMPLIED_PORTS.get(scheme, ''))}"
