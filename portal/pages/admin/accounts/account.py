"""One account: its details, budget, keys and sessions, and everything that an administrator may do for its person."""

from collections.abc import Callable
from datetime import datetime

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.addresses import account_url
from portal.pages.admin.accounts.account_act_as import ActAs
from portal.pages.admin.accounts.account_budget import AccountBudget
from portal.pages.admin.accounts.account_details import DetailsCard
from portal.pages.admin.accounts.account_ending import EndingCard
from portal.pages.admin.accounts.account_entries import EntriesCard
from portal.pages.admin.accounts.account_keys import AccountKeys
from portal.pages.admin.accounts.account_sign_in import SignInCard
from portal.pages.admin.accounts.account_tabs import checked_id, draw_deleted, draw_tabs, subtitle_of
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import live
from portal.pages.components.shell.frame import Head, frame
from portal.pages.navigation import ACCOUNTS
from portal.pages.routing import PageRouter
from portal.views.people.account import AccountPageView, load_account_page
from portal.views.people.accounts import Viewer
from portal.web.visitors import Administrator
from portal.words.formats import Formats

router = PageRouter()


@router.page(ACCOUNTS.path + "/{account_id}")
async def account_page(viewer: Administrator, account_id: int) -> None:
    """Show an administrator one account."""
    checked_id(account_id)

    async def load() -> AccountPageView:
        return await in_reading(load_account_page, viewer.actor, account_id, utc_now())

    first = await load()
    with frame(first.account.display_name, viewer, section=ACCOUNTS) as head:
        parts = AccountParts(viewer, first, head)
        await live(("account", viewer.id, account_id), load, parts.show, head.updated(only_stale=True))


class AccountParts:
    """All parts of the page."""

    def __init__(self, viewer: Viewer, first: AccountPageView, head: Head) -> None:
        """Draw them for an account; a deleted one has neither keys nor anything that can be changed."""
        formats, self._head = Formats.of(viewer), head
        self._sections: list[Callable[[AccountPageView, datetime], None]] = []
        done = Notice()
        self._act_as = None if first.account.is_deleted else ActAs(viewer, first.account, head)
        draw_tabs(first.account, "")
        if first.account.is_deleted:
            draw_deleted(first, formats)
        else:
            self._draw_sections(viewer, first, formats, done)
        self._entries = EntriesCard(first.account, formats)

    def _draw_sections(self, viewer: Viewer, first: AccountPageView, formats: Formats, done: Notice) -> None:
        usage = account_url(first.account.id, "usage")
        details = DetailsCard(viewer, first.account, formats, done)
        budget = AccountBudget(viewer, first, formats, done, usage)
        keys = AccountKeys(viewer, first.account, formats, done)
        sign_in = SignInCard(viewer, first.account, formats, done)
        ending = EndingCard(viewer, first.account, done)
        self._sections = [details.show, budget.show, keys.show_account, sign_in.show, ending.show]

    def show(self, view: AccountPageView, now: datetime) -> None:
        """Show newer figures."""
        self._head.subtitle(subtitle_of(view.account))
        if self._act_as is not None:
            self._act_as.show(view.account)
        for show in self._sections:
            show(view, now)
        self._entries.show(view, now)
