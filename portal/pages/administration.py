"""The pages of administration. Only a server imports them, so that the desktop program needs no memory for them."""

from portal.pages.admin import audit, first_steps, gateway, gateway_new, gateways, notes
from portal.pages.admin.accounts import account, account_list, account_usage
from portal.pages.admin.held import held_list
from portal.pages.admin.prices import price_list
from portal.pages.admin.requests import request_list
from portal.pages.admin.system import system_page
from portal.pages.admin.teams import team, team_list
from portal.pages.admin.templates import template_list
from portal.pages.admin.usage import organisation, requests
from portal.pages.team import own_team, team_requests

PAGES = (
    first_steps,
    own_team,
    team_requests,
    account_list,
    account,
    account_usage,
    request_list,
    team_list,
    template_list,
    team,
    organisation,
    requests,
    price_list,
    gateways,
    gateway_new,
    gateway,
    held_list,
    notes,
    audit,
    system_page,
)
"""Modules with NiceGUI pages."""
