"""Expected failures: each has an HTTP status, a code for programs and a sentence for people.

Decision: pages and forms write the sentence in the visitor's language (`say(error.sentence)`); the JSON API, the
command line and logs write it in English (`error.detail`, `str(error)`). A sentence that only these show may be a str.

Decision: every other exception is a bug; it is logged with an id, and people see the id, never its text.
"""

from portal.rules.messages import Message, message


class PortalError(Exception):
    """A failure that a visitor or a program can understand; `sentence` explains it."""

    status = 400
    code = "bad_request"
    sentence = message("The request cannot be understood.")
    field: str | None = None
    """The name of the input field with the problem, or None."""

    def __init__(self, sentence: Message | str | None = None, *, retry_after: int | None = None) -> None:
        """Use `sentence` in place of the default one of the class; `retry_after` is in seconds."""
        if sentence:
            self.sentence = Message(sentence) if isinstance(sentence, str) else sentence
        super().__init__(self.detail)
        self.retry_after = retry_after

    @property
    def detail(self) -> str:
        """The sentence in English, for programs."""
        return str(self.sentence)


class InvalidInput(PortalError):
    """A value is out of range or malformed; nothing was changed."""

    status = 422
    code = "invalid"

    def __init__(self, sentence: Message | str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class MissingExtra(PortalError):
    """A feature needs a package that is not installed."""

    status = 501
    code = "missing_extra"

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(f"{what}. {how_to_install(extra)}")


def how_to_install(extra: str) -> str:
    """Return the sentence about installing an extra; moe-portal is not on a package index."""
    return (
        f"Install the extra: pip install '.[{extra}]' in a checkout, "
        f"or pip install 'moe_portal-VERSION-py3-none-any.whl[{extra}]' with the name of your wheel."
    )


class NotSignedIn(PortalError):
    """The visitor has no session; pages send them to the sign-in form."""

    status = 401
    code = "not_signed_in"
    sentence = message("Sign in first.")


class WrongCredentials(PortalError):
    """User name and password do not match; the answer is the same for unknown names."""

    status = 401
    code = "wrong_credentials"
    sentence = message("That username and password do not match.")


class UnknownToken(PortalError):
    """The bearer token is missing, malformed, revoked, expired or not known."""

    status = 401
    code = "unknown_token"
    sentence = message("Send a valid token as 'Authorization: Bearer …'.")


class TooManyTries(PortalError):
    """Too many wrong passwords; the next try is allowed after `retry_after` seconds."""

    status = 429
    code = "too_many_tries"
    sentence = message("Too many tries. Wait a little, then try again.")


class Forbidden(PortalError):
    """The person may not do this."""

    status = 403
    code = "forbidden"
    sentence = message("You may not do this.")


class OnlyLooking(Forbidden):
    """An administrator who acts as a person has tried to change something."""

    code = "only_looking"
    sentence = message("You see the portal as this person, and can only look. Exit first.")


class ForeignOrigin(Forbidden):
    """A request with a cookie that changes something came from another site."""

    code = "foreign_origin"
    sentence = message("This request came from another site and was refused.")


class NotFound(PortalError):
    """The object does not exist or belongs to somebody else; both get the same answer."""

    status = 404
    code = "not_found"
    sentence = message("There is nothing here.")


class Conflict(PortalError):
    """A name is already in use, or the object was changed meanwhile."""

    status = 409
    code = "conflict"
    sentence = message("That is already in use.")

    def __init__(self, sentence: Message | str | None = None, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class TooLarge(PortalError):
    """The body is larger than the route accepts."""

    status = 413
    code = "too_large"
    sentence = message("The request is too large.")


class UnsupportedMediaType(PortalError):
    """The route does not accept the media type or the encoding of the body."""

    status = 415
    code = "unsupported_media_type"
    sentence = message("The media type or the encoding of the body is not accepted here.")


class Unavailable(PortalError):
    """A temporary failure, such as a busy or stopped database; nothing was changed."""

    status = 503
    code = "unavailable"
    sentence = message("The portal cannot do this right now. Try again in a moment.")

    def __init__(self, sentence: Message | str | None = None) -> None:
        super().__init__(sentence, retry_after=5)
