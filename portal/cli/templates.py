"""`portal template`: expert templates."""

import json
import sys
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from portal.actions.templates import assign_template, define_sovereign_template, define_template, delete_template
from portal.cli.console import UserName, actor, example, open_account, open_portal, show_table
from portal.cli.listing import AsJson, listing, show_json
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import InvalidInput, TooLarge
from portal.rules.sovereign_templates import sovereign_template
from portal.rules.text import counted
from portal.views.templates import AssignedModel, find_template, load_templates

commands = typer.Typer(help="Expert templates: models by category, and a cost factor.", no_args_is_help=True)

LARGEST_FILE = 1_000_000
"""Bytes; a template of 200 models takes a tenth of this."""


class ModelFile(BaseModel):
    """One model of a category in a file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    endpoint: str = ""
    required: bool = False


class TemplateFile(BaseModel):
    """The JSON of an expert template."""

    model_config = ConfigDict(extra="forbid")

    name: str
    cost_factor: Decimal = Decimal(1)
    categories: dict[str, list[ModelFile]]


@commands.command(
    "set",
    epilog=example(
        "portal template set research-de.json",
        """echo '{"name": "research-de", "cost_factor": "1.25", "categories": {"Code": [""",
        """  {"model": "qwen3-coder:30b", "endpoint": "gpu-01", "required": true}]}}' | portal template set -""",
    ),
)
def set_template(
    file: Annotated[str, typer.Argument(metavar="FILE.json", help="The template as JSON; - reads it from stdin.")],
) -> None:
    """Create an expert template, or replace the one of the same name."""
    read = _read(file)
    models = [
        AssignedModel(category, model.model, model.endpoint, model.required)
        for category, models in read.categories.items()
        for model in models
    ]
    open_portal()
    run_in_transaction(define_template, actor(), read.name, read.cost_factor, models, utc_now())
    typer.echo(f"Saved the expert template {read.name} with {counted(len(models), 'model')}.")


@commands.command(epilog=example("portal template assign alice research-de"))
def assign(
    name: UserName,
    template: Annotated[str, typer.Argument(metavar="TEMPLATE|none", help="Name of the template.")],
) -> None:
    """Make a template the active one of an account, or take it away with `none`."""
    account = open_account(name)
    chosen = None if template == "none" else run_in_reading(find_template, template).id
    run_in_transaction(assign_template, actor(), account.id, chosen, utc_now())
    typer.echo(f"{name} has the expert template {template}." if chosen else f"{name} has no expert template.")


@commands.command(
    "list",
    epilog=listing(
        "portal template list",
        fields="name, cost_factor and models: a list of objects with category, model, endpoint, required",
    ),
)
def list_templates(as_json: AsJson = False) -> None:
    """List all expert templates with their models."""
    open_portal()
    templates = run_in_reading(load_templates)
    if as_json:
        show_json([{name: value for name, value in asdict(each).items() if name != "id"} for each in templates])
        return
    rows: list[tuple[str, ...]] = []
    for template in templates:
        head = template.name, f"{template.cost_factor:f}"
        rows += [(*head, m.category, f"{m.model}@{m.endpoint}", "yes" if m.required else "no") for m in template.models]
        if not template.models:
            rows.append((*head, "–", "–", "–"))
    show_table(("Name", "Cost factor", "Category", "Model", "Required"), rows)


@commands.command(epilog=example("portal template delete research-de"))
def delete(template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="Name of the template.")]) -> None:
    """Delete a template that no account has."""
    open_portal()
    found = run_in_reading(find_template, template)
    run_in_transaction(delete_template, actor(), found.id, utc_now())
    typer.echo(f"Deleted the expert template {template}.")


@commands.command("export", epilog=example("portal template export research-de > research-de.json"))
def export_template(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="Name of the template.")],
) -> None:
    """Print a template in the JSON of MoE Sovereign."""
    open_portal()
    found = run_in_reading(find_template, template)
    typer.echo(json.dumps(sovereign_template(found.name, found.cost_factor, found.models), indent=2))


@commands.command("import", epilog=example("portal template import research-de.json"))
def import_template(
    file: Annotated[str, typer.Argument(metavar="FILE.json", help="The template as JSON; - reads it from stdin.")],
) -> None:
    """Create or replace an expert template from the JSON of MoE Sovereign."""
    try:
        content = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The file is no JSON.") from error
    if not isinstance(content, dict):
        raise InvalidInput("The file is no JSON object.")
    open_portal()
    run_in_transaction(define_sovereign_template, actor(), content, utc_now())
    typer.echo(f"Saved the expert template {content['name']}.")


def _text(file: str) -> bytes:
    """Return the content of a file. Raises OSError and TooLarge."""
    if file == "-":
        text = sys.stdin.buffer.read(LARGEST_FILE + 1)
    else:
        with Path(file).open("rb") as opened:
            text = opened.read(LARGEST_FILE + 1)
    if len(text) > LARGEST_FILE:
        raise TooLarge("The file is too large for a template.")
    return text


def _read(file: str) -> TemplateFile:
    """Read a template. Raises OSError, TooLarge, and InvalidInput with the invalid field."""
    text = _text(file)
    try:
        return TemplateFile.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InvalidInput(f"The template cannot be read: {where}: {first['msg']}.") from error
