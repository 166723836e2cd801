"""The environment of Jinja templates; they can call `_`, `plural`, `context` and `markup`."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from portal.rules.messages import Message
from portal.words import _, context, plural, say


def template_environment(directory: Path) -> Environment:
    """Return an environment that escapes every value in HTML, and writes each `Message` in the reader's language."""
    templates = Environment(
        loader=FileSystemLoader(directory),
        autoescape=select_autoescape(),  # text files are not escaped
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update({"_": _, "plural": plural, "context": context, "markup": markup})
    return templates


def markup(text: str, /, **values: object) -> Markup:
    """Write a sentence with HTML; values that are not `Markup` are escaped."""
    return escape(_(text)).format(**{name: _finalize(value) for name, value in values.items()})


def _finalize(value: object) -> object:
    return say(value) if isinstance(value, Message) else value
