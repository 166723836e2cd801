"""The `portal` command: everything an operator needs without the web pages.

Decisions: what a program may want to read stands alone on stdout, everything else goes to stderr. A failure that can be
expected is one sentence and exit status 1, wrong usage is 2, and only a bug shows a traceback. Secrets are read from
stdin or printed once; they are never arguments, which other users of a machine could see. An address of a database
may hold a password: it is taken from stdin and the environment as well.
"""

import os

import typer

from portal.cli import (
    accounts,
    budgets,
    demo,
    gateways,
    held,
    import_sovereign,
    imports,
    keys,
    ledger,
    mails,
    prices,
    serve,
    templates,
)
from portal.cli.console import PortalCommands

app = typer.Typer(
    cls=PortalCommands,
    help="MoE Portal: token budgets, cost, usage and API keys for people who share LLM gateways.",
    epilog="Settings come from PORTAL_* environment variables, such as PORTAL_DATA_DIR or PORTAL_DATABASE_URL.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help and errors: examples can be copied, a sentence stays one
    pretty_exceptions_enable=False,  # they would show the values of variables, secrets among them
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for group in (serve, demo):
    app.add_typer(group.commands)
for name, nouns in {
    "user": accounts,
    "key": keys,
    "gateway": gateways,
    "budget": budgets,
    "price": prices,
    "template": templates,
    "held": held,
    "mail": mails,
    "import": imports,
}.items():
    app.add_typer(nouns.commands, name=name)
app.add_typer(import_sovereign.follow, name="follow")
app.add_typer(ledger.commands)


def main() -> None:
    """Run the command that the process was started with."""
    os.umask(0o077)  # the database and its journals are nobody else's
    app(prog_name="portal")
