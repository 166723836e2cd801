"""Sends a message to a chat service through Apprise.

Decision: only the services that the settings list are used, of the hundred that Apprise knows, and only the arguments
below: others read files of this machine or switch off the check of certificates.
"""

import logging
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from portal.channels.public_only import NotPublic, was_refused
from portal.rules.outbox import NotNow, Refused

_ARGUMENTS = {"api-version", "sp", "sv", "sig", "auth", "token", "mode", "priority", "tags", "to", "format", "msgtype"}
_OVER_TLS = {"slack", "workflow", "workflows"}
"""Services that Apprise always reaches over HTTPS."""


def deliver(order: dict[str, Any]) -> None:
    """Send the title and text of an order, or without a title check its address. Raises NotPublic, Refused, NotNow."""
    service = _service(order)
    if not order["title"]:
        return
    logging.disable()
    is_sent = service.notify(title=order["title"], body=order["text"], notify_type="info", body_format="text")
    if was_refused():
        raise NotPublic
    if not is_sent:
        raise NotNow("The chat service has not accepted the message.")


def _service(order: dict[str, Any]) -> Any:
    """Return Apprise's object for the address. Raises Refused."""
    try:
        arguments = {name.lower() for name, _ in parse_qsl(urlsplit(order["url"]).query, keep_blank_values=True)}
    except ValueError:
        arguments = {""}
    if arguments - _ARGUMENTS:
        raise Refused("The address of the chat service has arguments that are not allowed.")
    apprise = import_module("apprise")
    logging.getLogger("apprise").disabled = True
    asset = apprise.AppriseAsset(
        app_id="MoE Portal",
        app_desc="MoE Portal",
        app_url="",
        storage_mode="memory",
        image_url_mask="",
        plugin_paths=[],
    )
    service = apprise.Apprise.instantiate(order["url"], asset=asset)
    names = _names(service, "secure_protocol") | _names(service, "protocol")
    if not names & set(order["services"]):
        raise Refused("This is no address of a chat service that may be used here.")
    if not (order["is_private"] or service.secure or names & _OVER_TLS):
        raise Refused("The address of the chat service must be encrypted, such as ntfys:// or matrixs://.")
    return service


def _names(service: Any, kind: str) -> set[str]:
    names = getattr(service, kind, None) or ()
    return {names} if isinstance(names, str) else set(names)
