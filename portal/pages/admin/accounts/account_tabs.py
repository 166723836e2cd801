"""What the three pages of an account have in common: the line below the name, and the links between them."""

from portal.errors import NotFound
from portal.pages.addresses import account_url
from portal.pages.components.parts import Text, icon, known_facts, tag
from portal.rules.people.account_list import AccountStatus
from portal.views.people.account import AccountDetails, AccountPageView
from portal.words import _, say
from portal.words.formats import Formats
from portal.words.labels import ROLES, STATUSES

LARGEST_ID = 2**63 - 1


def checked_id(account_id: int) -> int:
    """Return the id of an address. Raises NotFound for a number that no account can have."""
    if not 0 < account_id <= LARGEST_ID:
        raise NotFound
    return account_id


def subtitle_of(account: AccountDetails) -> str:
    """Return user name, role, team and, unless it is active, the status of an account."""
    parts = [account.username]
    if not account.is_deleted:
        parts += [say(ROLES[account.role]), _("Team {team}", team=account.team) if account.team else _("No team")]
    if account.status is not AccountStatus.ACTIVE:
        parts.append(say(STATUSES[account.status]))
    return " · ".join(parts)


def draw_tabs(account: AccountDetails, present: str) -> None:
    """Draw the links between the pages of an account; `present` is the part of the page in `account_url`."""
    names = {"": _("Account"), "usage": _("Usage"), "billing": _("Billing")}
    with tag("nav", "mp-tabs", aria_label=_("Pages of this account")):
        for part, name in names.items():
            link = tag("a", "mp-tab", name, href=account_url(account.id, part))
            if part == present:
                link.props["aria-current"] = "page"


def draw_read_only(account: AccountDetails) -> None:
    """Draw the line that explains the figures."""
    with tag("p", "mp-msg", data_testid="read-only"):
        icon("info")
        Text("span", _("The figures that {name} sees. Notes are left out.", name=account.display_name))


def draw_deleted(view: AccountPageView, formats: Formats) -> None:
    """Draw the figures that are kept of a deleted account."""
    account, total = view.account, view.budgets.total.figures
    with tag("section", "mp-card", aria_label=_("Deleted account"), data_testid="account-deleted"):
        with tag("div", "mp-card__head"), tag("div"):
            Text("h2", _("This account was deleted"))
            about = _(
                "Name, email address, notes, mails and sessions are erased. Its requests and their sums are kept under "
                "{username}, so that all totals stay right. This cannot be undone.",
                username=account.username,
            )
            Text("p", about).classes("mp-card__sub")
        with tag("div", "mp-card__body"):
            values = known_facts(_("Deleted"), _("Requests"), _("Billable tokens"), _("Cost"), _("Revoked keys"))
    texts = (
        formats.date_of(account.deleted_at) if account.deleted_at else "",
        formats.number(total.requests),
        formats.number(total.tokens),
        formats.cost(total),
        formats.number(len(view.keys.keys)),
    )
    for value, text in zip(values, texts, strict=True):
        value.show(text)
