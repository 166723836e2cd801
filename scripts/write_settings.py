"""Write docs/settings.md from portal/settings/; tests/test_settings.py checks that it is current."""

from pathlib import Path
from typing import Any

from portal.settings import ELSEWHERE, SECRETS, Settings, variable

FILE = Path(__file__).parents[1] / "docs" / "settings.md"
HEAD = """# Settings

Written by `scripts/write_settings.py` from `portal/settings/`; do not edit it.

Settings are environment variables. `portal` reads no file by itself; `make demo` and `make run` read `.env` in the
working directory, and the environment goes first. A `PORTAL_*` variable that is in no table below is refused, with the
nearest name.

Each secret can be in a file instead: `PORTAL_SECRET_FILE=/run/secrets/portal` in place of `PORTAL_SECRET`. The line end
is left out. Setting both is refused.

| variable | default | meaning |
| --- | --- | --- |
"""
ELSE = """
## Read by others

These are no settings of the server.

| variable | read by |
| --- | --- |
"""


def page() -> str:
    """Return the text of docs/settings.md."""
    rows = [row(name, field) for name, field in Settings.model_fields.items()]
    others = [f"| `{name}` | {reader} |" for name, reader in ELSEWHERE.items()]
    others.append("| `PORTAL_TEST_*` | the tests |")
    return HEAD + "\n".join(rows) + "\n" + ELSE + "\n".join(others) + "\n"


def row(name: str, field: Any) -> str:
    """Return the table row of a setting."""
    names = f"`{variable(name)}`"
    if name in SECRETS:
        names += f", `{variable(name)}_FILE`"
    default = "" if field.default in {None, ""} else f"`{field.default}`"
    description = field.description.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
    return f"| {names} | {default} | {description} |"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
