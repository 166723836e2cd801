"""The usage and the billing of a person, with the figures that the person sees; nothing can be changed here."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from starlette.requests import Request

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.account.billing import CostCalculation, ModelTable, SummaryCards
from portal.pages.account.budget_table import BudgetTable
from portal.pages.account.usage.filters import UsageFilters
from portal.pages.account.usage.history import LISTING, History, UsageCard
from portal.pages.addresses import account_url
from portal.pages.admin.accounts.account_tabs import checked_id, draw_read_only, draw_tabs, subtitle_of
from portal.pages.components.listing import Listing
from portal.pages.components.live import live
from portal.pages.components.shell.frame import frame
from portal.pages.navigation import ACCOUNTS
from portal.pages.routing import PageRouter
from portal.rules.metering.usage import UsageFilter
from portal.rules.people.actors import Actor
from portal.rules.spending.cost_parts import CostParts
from portal.views.metering.usage import UsageView
from portal.views.people.account import AccountDetails, load_account
from portal.views.people.accounts import Viewer
from portal.views.people.person import load_billing_of, load_cost_parts_of, load_person, load_usage_of
from portal.views.spending.billing import BillingView
from portal.web.visitors import Administrator
from portal.words.formats import Formats

router = PageRouter()


@router.page(ACCOUNTS.path + "/{account_id}/usage")
async def account_usage_page(request: Request, viewer: Administrator, account_id: int) -> None:
    """Show an administrator the requests of one account."""
    account, person = await _load(viewer, account_id)
    listing = listing_of(viewer, account_id)
    place, complaint = listing.read(request.query_params)
    with frame(account.display_name, viewer, section=ACCOUNTS) as head:
        head.subtitle(subtitle_of(account))
        draw_tabs(account, "usage")
        draw_read_only(account)
        await PersonHistory(listing, person, place).open(head, complaint)


@router.page(ACCOUNTS.path + "/{account_id}/billing")
async def account_billing_page(viewer: Administrator, account_id: int) -> None:
    """Show an administrator the consumption and cost of one account."""
    account, person = await _load(viewer, account_id)
    formats, usage = Formats.of(person), account_url(account_id, "usage")

    async def load() -> BillingView:
        return await in_reading(load_billing_of, viewer.actor, account_id, utc_now())

    async def load_parts(model: str, mode: str) -> CostParts:
        return await in_reading(load_cost_parts_of, viewer.actor, account_id, model, mode, utc_now())

    with frame(account.display_name, viewer, section=ACCOUNTS) as head:
        head.subtitle(subtitle_of(account))
        draw_tabs(account, "billing")
        draw_read_only(account)
        budgets = BudgetTable(formats, usage=usage)
        sums = SummaryCards(formats, usage=usage)
        models = ModelTable(load_parts, formats, usage=usage)
        cost = CostCalculation(formats)

        def show(view: BillingView, now: datetime) -> None:
            budgets.show(view.budgets, now)
            sums.show(view.summary, view.budgets)
            models.show(view.summary)
            cost.show(view.summary)

        await live(("account billing", viewer.id, account_id), load, show, head.updated())


async def _load(viewer: Viewer, account_id: int) -> tuple[AccountDetails, Viewer]:
    """Return an account, and its person in the language of the viewer. Raises Forbidden and NotFound."""
    now = utc_now()
    account = await in_reading(load_account, viewer.actor, checked_id(account_id), now)
    person = await in_reading(load_person, viewer.actor, account_id, now)
    return account, replace(person, language=viewer.language, theme=viewer.theme)


def listing_of(viewer: Viewer, account_id: int) -> Listing[UsageFilter, UsageView]:
    """Return the list of the requests of an account, which `viewer` reads as long as they administer."""
    return Listing(
        path=account_url(account_id, "usage"),
        plain=LISTING.plain,
        instead=LISTING.instead,
        parse=LISTING.parse,
        is_cursor=LISTING.is_cursor,
        load=partial(_load_usage, viewer.actor, account_id),
        export=f"/admin/api/accounts/{account_id}/usage/export",
    )


def _load_usage(reader: Actor, account_id: int, session: Any, _person: Viewer, *others: Any) -> UsageView:
    return load_usage_of(session, reader, account_id, *others)


class PersonHistory(History):
    """The requests of a person, without the dialog for notes."""

    def draw(self) -> None:
        """Draw the filters and the card with room for the rows."""
        formats = Formats.of(self.viewer)
        self._filters = UsageFilters(formats, self.filter)
        self._card = UsageCard(formats, change=self.filter, turn=self.turn, resize=self.resize, edit=None)
