"""Every page, dialog and menu of the portal, and how a person opens it.

Decision: the code says which of them exist, this module how to open them. `test_places.py` fails for a page, dialog or
menu without an entry, so that the tests of all of them include new ones.
"""

import ast
import re
import secrets
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import FilePayload, Locator, Page

from portal import pages
from portal.actions.people.setup import new_setup_link
from tests.browser.conftest import Portal, mailed_link

CODE = Path(pages.__file__).parent
ACCOUNT = "/admin/accounts/{account_id}"
"""The route of the page of an account."""

PAGES = {
    "/user/dashboard": "Dashboard",
    "/user/billing": "Billing",
    "/user/usage": "Usage History",
    "/user/keys": "API Keys",
    "/user/profile": "Profile",
    "/admin/accounts": "Accounts",
    "/team": "Team",
    "/team/requests": "Team Requests",
    "/admin/teams": "Teams",
    "/admin/teams/{team_id}": "Theory",
    "/admin/templates": "Expert Templates",
    "/admin/requests": "Budget Requests",
    "/admin/usage": "Organisation Usage",
    "/admin/usage/requests": "Requests of the Organisation",
    "/admin/prices": "Prices",
    ACCOUNT: "Walker",
    f"{ACCOUNT}/usage": "Walker",
    f"{ACCOUNT}/billing": "Walker",
    "/admin/audit": "Audit Log",
    "/admin/setup": "First steps",
    "/admin/held": "Held Events",
    "/admin/notes": "Notes",
    "/admin/system": "System",
    "/admin/gateways": "Gateways",
    "/admin/gateways/new": "Connect gateway",
    "/admin/gateways/{gateway_id}": "browser-tests",
}
"""NiceGUI's pages by their routes, with their headings."""
DESKTOP_PAGES = {"/user/connect": "Connect"}
"""Pages that only the desktop program has; `desktop/` walks them."""
FORMS = {
    "/user/login": "Sign in",
    "/user/forgot-password": "Forgot password",
    "/user/reset-password": "Reset password",
    "/user/setup": "Create the first administrator",
}
"""The plain HTML forms by their routes, with their headings."""
ERRORS = {404: "/user/nowhere", 405: "/user/logout", 422: "/admin/gateways/x"}
"""Addresses that are answered with an error."""


def address(route: str) -> str:
    """Return the address of a route; the first gateway, account and team are those of the browser tests."""
    return re.sub(r"\{(gateway|team|account)_id\}", "1", route)


def routes(modules: tuple[object, ...]) -> set[str]:
    """Return the routes of the app that show a page."""
    found = [route for module in modules for route in module.router.routes]  # type: ignore[attr-defined]
    return {route.path for route in found if "GET" in route.methods}


# --------------------------------------------------------------------------------- dialogs and menus


def named(pattern: str) -> re.Pattern[str]:
    """Return the pattern of a name, which is in ⟦brackets⟧ in the pseudo-locale."""
    return re.compile(pattern.replace("^", "^⟦?"))


_WITH_FOCUS = "document.activeElement.closest('.q-dialog, .q-menu')"


@dataclass(frozen=True)
class Window:
    """A dialog or menu: the route of its page, the buttons that open it one after the other, and its role.

    `types` is typed into the dialog before it, with | between its fields and {new} for a new text; or a `file` is
    chosen there. `answer` is the button that closes it; without one Escape closes it.
    With `chooses` the first row of the list is chosen first; a draft that `keeps_choice` survives with these rows.
    Text in a dialog that `is_secret` is kept nowhere.
    """

    route: str
    buttons: tuple[str, ...]
    role: str = "dialog"
    types: str = ""
    answer: str = ""
    file: str = ""
    is_in_drawer: bool = False
    chooses: bool = False
    keeps_choice: bool = False
    is_secret: bool = False

    def opener(self, page: Page, number: int = 0) -> Locator:
        """Return a button that leads to it; after the first, buttons are in the dialog before."""
        place = page.get_by_role("dialog") if number else page
        return place.get_by_role("button", name=named(self.buttons[number])).first

    def open(self, page: Page) -> Locator:
        """Open it with the keyboard, and return it."""
        if self.is_in_drawer and page.get_by_role("button", name="Open menu").is_visible():
            page.get_by_role("button", name="Open menu").press("Enter")
            page.wait_for_function("() => document.querySelector('.q-drawer').getBoundingClientRect().left === 0")
        if self.chooses:
            page.locator("tbody").get_by_role("checkbox").first.check()
        for number in range(len(self.buttons)):
            if number:
                if self.file:
                    content = self.file.format(new=secrets.token_hex(4)).encode()
                    file = FilePayload(name="file", mimeType="text/plain", buffer=content)
                    page.locator(".q-dialog input[type=file]").set_input_files(file)
                for place, text in enumerate(self.types.split("|") if not self.file else ()):
                    field = page.get_by_role("dialog").get_by_role("textbox").nth(place)
                    field.fill(text.format(new=secrets.token_hex(4)))
            opener = self.opener(page, number)
            opener.focus()
            before = page.evaluate_handle(_WITH_FOCUS)
            opener.press("Enter")
            page.wait_for_function(f"before => ![null, before].includes({_WITH_FOCUS})", arg=before)
        return page.get_by_role(self.role).locator("visible=true").last  # type: ignore[arg-type]

    def close(self, page: Page) -> None:
        """Close it with the keyboard."""
        if self.answer:
            page.get_by_role("dialog").get_by_role("button", name=named(self.answer)).press("Enter")
        else:
            page.keyboard.press("Escape")


WINDOWS = {
    "frame.account_menu": Window("/user/dashboard", ("@example.org",), role="menu", is_in_drawer=True),
    "bell.Bell": Window("/user/dashboard", ("^Messages",), role="menu"),
    "listing.export_menu": Window("/user/usage", ("^Export",), role="menu"),
    "default_budgets.DefaultBudgets": Window("/admin/accounts", ("^Default budgets",)),
    "account_import.ImportAccounts": Window("/admin/accounts", ("^Import",), answer="^Cancel"),
    "account_import.NewLinks": Window(
        "/admin/accounts", ("^Import", "^Import"), file="username,email\n{new},{new}@example.org", answer="^Done"
    ),
    "account_new.NewAccount": Window("/admin/accounts", ("^New account",)),
    "bulk_dialogs.BulkBudget": Window("/admin/accounts", ("^Set budget",), chooses=True, keeps_choice=True),
    "bulk_dialogs.BulkName": Window("/admin/accounts", ("^Move to team",), chooses=True),
    "bulk_dialogs.BulkSuspend": Window("/admin/accounts", ("^Suspend",), chooses=True),
    "account_act_as.ActAs": Window(ACCOUNT, ("^Act as",), is_secret=True),
    "account_budget.SetBudget": Window(ACCOUNT, ("^Set budget",)),
    "account_budget.GrantAllowance": Window(ACCOUNT, ("^Add allowance",)),
    "account_budget.Allowances": Window(ACCOUNT, ("^End the allowance",)),
    "account_details.EditDetails": Window(ACCOUNT, ("^Edit details",)),
    "account_sign_in.SignInCard": Window(ACCOUNT, ("^Sign out everywhere",)),
    "password_link.PasswordLinkDialog": Window(ACCOUNT, ("^Password link",), answer="Done"),
    "account_ending.EndingCard": Window(ACCOUNT, ("^Suspend account",)),
    "account_ending.DeleteAccount": Window(ACCOUNT, ("^Delete account",)),
    "audit.EntryDialog": Window("/admin/audit", ("^Details",)),
    "editing.EditTemplate": Window("/admin/templates", ("^New template",)),
    "editing.ImportTemplate": Window("/admin/templates", ("^Import",)),
    "editing.DeleteTemplate": Window("/admin/templates", ("^Delete research",)),
    "deciding.DecideRequest": Window("/admin/requests", ("^Decide the request",)),
    "dialogs.HeldBody": Window("/admin/held", ("^Details",)),
    "dialogs.AssignHeld": Window("/admin/held", ("^Assign",), chooses=True),
    "dialogs.DismissHeld": Window("/admin/held", ("^Dismiss",), chooses=True),
    "progress.BulkProgress": Window(
        "/admin/held", ("^Assign", "^Assign"), types="bertha", answer="^Close", chooses=True
    ),
    "price_dialogs.NewPrice": Window("/admin/prices", ("^New price",)),
    "import_dialog.ImportPrices": Window("/admin/prices", ("^Import",)),
    "price_dialogs.EndPrice": Window("/admin/prices", ("^End",)),
    "price_list.PriceList": Window("/admin/prices", ("^Remove",)),
    "dialogs.TeamForm": Window("/admin/teams/{team_id}", ("^Edit",)),
    "dialogs.TeamBudget": Window("/admin/teams/{team_id}", ("^Set budget",)),
    "dialogs.AddPeople": Window("/admin/teams/{team_id}", ("^Add members",), answer="Done"),
    "team.TeamPage": Window("/admin/teams/{team_id}", ("^Suspend team",)),
    "cost_dialog.CostDialog": Window("/user/billing", ("^How",)),
    "tokens.CreateToken": Window("/admin/system", ("^Create token",)),
    "tokens.TokensCard": Window("/admin/system", ("^Revoke",)),
    "note_dialog.NoteDialog": Window("/user/usage", ("^(Add|Edit) note",)),
    "asking.AskForMore": Window("/user/dashboard", ("^Ask for more",)),
    "key_dialogs.CreateKey": Window("/user/keys", ("^Create key",)),
    "key_dialogs.NewKeyDialog": Window("/user/keys", ("^Create key", "^Create key"), types="night", answer="copied"),
    "key_dialogs.RenameKey": Window("/user/keys", ("^Edit label",)),
    "key_budget.KeyBudget": Window("/user/keys", ("^Set budget",)),
    "key_dialogs.RevokeKey": Window("/user/keys", ("^Revoke",)),
    "dialogs.FormDialog": Window("/user/keys", ("^Create key", "^Cancel"), types="night", answer="^Discard"),
    "address_dialog.AddressDialog": Window("/user/profile", ("(Set up|Change) webhook",)),
    "address_dialog.SecretDialog": Window(
        "/user/profile", ("(Set up|Change) webhook", "^Save"), types="https://hooks.example.org/x", answer="copied"
    ),
    "profile.SessionsTable": Window("/user/profile", ("^Sign out other",)),
    "gateway.Tokens": Window("/admin/gateways/{gateway_id}", ("^Revoke",)),
    "gateway.NewToken": Window("/admin/gateways/{gateway_id}", ("^New token",), answer="Done"),
}
"""Dialogs and menus by the part of the code that draws them."""


def windows_of(route: str) -> dict[str, Window]:
    """Return the dialogs and menus of a page, by the part of the code that draws them."""
    return {name: window for name, window in WINDOWS.items() if window.route == route}


ROUTES_OF_WINDOWS = sorted({window.route for window in WINDOWS.values()})
"""The pages with dialogs or menus."""
DESKTOP_WINDOWS = {"programs.ProgramList": Window("/user/connect", ("^New token",))}
"""Those that only the desktop program has."""
_DRAWN_BY = {"Dialog", "Confirmation", "FormDialog", "menu"}


def windows_in_code(drawn_by: Set[str] = _DRAWN_BY) -> set[str]:
    """Return the parts of the code that draw a dialog or a menu, as `module.name`."""
    return {f"{path.stem}.{name}" for path in sorted(CODE.rglob("*.py")) for name in _drawn_in(path, drawn_by)}


def _drawn_in(path: Path, drawn_by: Set[str]) -> Iterator[str]:
    for part in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(part, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            calls = [node.func for node in ast.walk(part) if isinstance(node, ast.Call)]
            if drawn_by & {call.id for call in calls if isinstance(call, ast.Name)}:
                yield part.name


FORM_WINDOWS = {name: window for name, window in WINDOWS.items() if name in windows_in_code({"FormDialog"})}
"""Dialogs with a form."""
KEPT_WINDOWS = [
    name
    for name, window in FORM_WINDOWS.items()
    if not window.is_secret and (window.keeps_choice or not window.chooses)
]
"""Those with text that a restart of the server leaves."""


def modules_with(words: str) -> set[str]:
    """Return the modules of the pages that contain a text."""
    return {path.name for path in CODE.rglob("*.py") if words in path.read_text(encoding="utf-8")}


# --------------------------------------------------------------------------------- opening


def go(page: Page, url: str) -> None:
    """Open another page in the same window, and wait until it is complete."""
    page.goto(url)
    page.wait_for_function("() => window.did_handshake === true")
    settle(page)


def settle(page: Page) -> None:
    """Wait until the figures are shown."""
    page.wait_for_function("() => ![...document.querySelectorAll('.mp-skel')].some(each => each.checkVisibility())")
    page.wait_for_timeout(250)


def form_addresses(page: Page, portal: Portal) -> list[str]:
    """Return the addresses of the plain forms of a portal that sends mails and has no administrator."""
    person = portal.person(f"oblivia-{secrets.token_hex(4)}")
    page.goto(portal.url + "/user/forgot-password")
    page.get_by_label("Email").fill(person.account.email)
    page.keyboard.press("Enter")
    page.get_by_role("status").wait_for()
    token = portal.run(new_setup_link, datetime.now(UTC))
    plain = ["/user/login", "/user/forgot-password", f"/user/setup?token={token}"]
    return [portal.url + path for path in plain] + [mailed_link(portal, person)]
