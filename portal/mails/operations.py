"""Notifications of administrators: what needs them in the operation of the portal."""

from portal.mails.content import Letter
from portal.rules.messages import Message, message, plural_message

_WHY = message("You get this because you are an administrator.")


def _letter(subject: Message, sentence: Message, advice: Message, button: Message, base_url: str, path: str) -> Letter:
    return Letter(subject, (sentence, advice), _WHY, button, f"{base_url}{path}" if base_url else "")


def verification_letter(differences: int, base_url: str) -> Letter:
    """Return the notification of a verification that found differences."""
    return _letter(
        message("The verification has found differences"),
        plural_message(
            "{count} sum differs from the requests behind it.",
            "{count} sums differ from the requests behind them.",
            differences,
        ),
        message("The command “{command}” corrects the sums.", command="portal rebuild"),
        message("Open System"),
        base_url,
        "/admin/system#verification",
    )


def silent_letter(gateway_id: int, gateway: str, since: str, base_url: str) -> Letter:
    """Return the notification of a gateway that has not reported since an instant, which is written already."""
    return _letter(
        message("A gateway does not report any more"),
        message("The gateway {gateway} has not reported since {when}.", gateway=gateway, when=since),
        message("Until it reports, its usage is neither counted nor limited."),
        message("Open Gateways"),
        base_url,
        f"/admin/gateways/{gateway_id}",
    )


def unpriced_letter(count: int, base_url: str) -> Letter:
    """Return the notification of requests without a price."""
    return _letter(
        message("There are requests without a price"),
        plural_message(
            "{count} request has no price, so its cost is unknown.",
            "{count} requests have no price, so their cost is unknown.",
            count,
        ),
        message(
            "Add a price for their time with “{enter}”, then run “{repair}”.",
            enter="portal price set",
            repair="portal price repair",
        ),
        message("Open Prices"),
        base_url,
        "/admin/prices#unpriced",
    )


def held_letter(count: int, base_url: str) -> Letter:
    """Return the notification of held events."""
    return _letter(
        message("There are held events"),
        plural_message(
            "{count} event is held, because its key is unknown or its id is in use.",
            "{count} events are held, because their keys are unknown or their ids are in use.",
            count,
        ),
        message("They are counted once you assign them to an account."),
        message("Open Held Events"),
        base_url,
        "/admin/held",
    )


def given_up_letter(count: int, base_url: str) -> Letter:
    """Return the notification of messages that could not be sent."""
    return _letter(
        message("There are messages that could not be sent"),
        plural_message(
            "{count} message could not be sent and was given up.",
            "{count} messages could not be sent and were given up.",
            count,
        ),
        message("The command “{command}” lists them with the reasons.", command="portal mail failed"),
        message("Open System"),
        base_url,
        "/admin/system#messages",
    )


def channel_test_letter(base_url: str) -> Letter:
    """Return a test of a webhook or chat service."""
    return Letter(
        message("Test from MoE Portal"),
        (message("This proves that notifications of MoE Portal arrive here."),),
        message("Somebody asked for it on Profile."),
        message("Open Profile"),
        f"{base_url}/user/profile" if base_url else "",
    )
