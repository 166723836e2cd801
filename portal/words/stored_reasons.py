"""Reasons why a mail failed, which are stored in English: find the sentence of a text, so that it can be translated.

Other texts, such as the answer of a mail server, are returned unchanged.
"""

import re

from portal.rules.messages import Message, message

_STORED = (
    message("Mail is not set up."),
    message("The account has no email address."),
    message("More than {most} mails on one day."),
    message("More than {most} links for forgotten passwords on one day."),
    message("The account was suspended."),
    message("Alerts were switched off, or go elsewhere since."),
    message("The portal has failed; its log says why."),
    message("Mail cannot be sent to that address."),
    message("The mail server does not take addresses with other letters than a to z."),
    message("The mail server’s certificate is not valid: {reason}."),
    message("The mail server and the portal cannot agree on encryption: {reason}."),
    message("The mail server has not answered in time."),
    message("The mail server has hung up."),
    message("The mail server cannot be reached: {reason}."),
    message("none of its addresses answers"),
    message("More than {most} messages on one day."),
    message("The address was removed or replaced."),
    message("The process that sends messages has failed."),
    message("It has not answered in time."),
    message("The webhook answers {status}."),
    message("The webhook’s certificate is not valid: {reason}."),
    message("The webhook answers something else than HTTP."),
    message("The webhook cannot be reached: {reason}."),
    message("The webhook cannot be reached."),
    message("The chat service has not accepted the message."),
    message("This is no address of a chat service that may be used here."),
    message("The address of the chat service has arguments that are not allowed."),
    message("The address of the chat service must be encrypted, such as ntfys:// or matrixs://."),
    message("The address leads to this machine or to a private network, which is not allowed."),
    message("Given up: it is too old by now."),
    message("Given up: it is too old by now. {reason}"),
)
_PATTERNS = [(each.text, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(each.text)))) for each in _STORED]


def stored_sentence(text: str) -> Message:
    """Return the sentence of a stored text; an unknown text as a sentence of its own."""
    for sentence, pattern in _PATTERNS:
        found = pattern.fullmatch(text)
        if found is not None:
            return Message(sentence, tuple((name, stored_sentence(value)) for name, value in found.groupdict().items()))
    return Message(text)
