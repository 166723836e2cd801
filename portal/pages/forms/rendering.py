"""Plain HTML pages, which need neither NiceGUI nor JavaScript, and the reading of their forms."""

from pathlib import Path
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse

from portal.errors import InvalidInput, UnsupportedMediaType
from portal.pages.components.assets import static
from portal.rules.messages import Message, message, plural_message
from portal.rules.text import MIN_PASSWORD, InvalidText
from portal.settings import settings
from portal.web.visitors import language_of
from portal.words import speaking
from portal.words.templates import template_environment

PASSWORD_HINT = message("At least {shortest} characters. Several words are easy to remember.", shortest=MIN_PASSWORD)

_templates = template_environment(Path(__file__).parent / "templates")
_templates.globals["static"] = static


def html_page(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """Return a page from a template, which escapes every value."""
    nonce = getattr(request.state, "nonce", "")
    language = language_of(request)
    with speaking(language):
        text = _templates.get_template(template).render(
            nonce=nonce, language=language, organisation=settings().organisation, **values
        )
    return HTMLResponse(text, status)


async def read_form(request: Request, *names: str) -> dict[str, str]:
    """Return the fields of an HTML form; a field that was not sent is empty.

    Raises UnsupportedMediaType, and InvalidInput for fields that are unknown or sent twice.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType(message("This address takes the form that is shown here."))
    body = await request.body()
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    fields = dict(pairs)
    if len(fields) < len(pairs) or not fields.keys() <= set(names):
        raise InvalidInput(message("The form has fields that do not belong to it. Open it again."))
    return {name: fields.get(name, "") for name in names}


def check_repeated(repeated: str, password: str) -> None:
    """Raise InvalidText if the two passwords differ."""
    if repeated != password:
        raise InvalidText(message("The two passwords differ."))


def wait(seconds: int) -> Message:
    """Return a time to wait in words: seconds up to 90, then minutes."""
    if seconds <= 90:
        return plural_message("a second", "{count} seconds", seconds)
    return plural_message("a minute", "{count} minutes", -(-seconds // 60))
