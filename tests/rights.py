"""Who may use which address of the portal: one row for each route of pages, forms and JSON.

Routes of `/admin/api` have their scope in place of a `Who`: administrators and tokens with the scope may use them.
"""

from enum import StrEnum

from portal import pages
from portal.api import openapi


class Who(StrEnum):
    """Groups of callers; each is in the sentence "Only … may use it"."""

    ANYONE = "anyone"
    PEOPLE = "people who are signed in"
    MANAGERS = "managers of a team"
    ADMINISTRATORS = "administrators"
    GATEWAYS = "gateways"
    KEYS = "programs with an API key"
    PROGRAMS = "gateways and programs with an API key"


RIGHTS: dict[str, Who | str] = {
    # JSON of gateways and programs
    "POST /api/v1/authorize": Who.GATEWAYS,
    "POST /api/v1/usage": Who.GATEWAYS,
    "POST /api/v1/usage/litellm": Who.GATEWAYS,
    "POST /api/v1/usage/openai": Who.KEYS,
    "POST /api/v1/usage/continue": Who.PROGRAMS,
    "POST /api/v1/otlp/v1/traces": Who.PROGRAMS,
    "POST /api/v1/otlp/v1/logs": Who.PROGRAMS,
    "POST /api/v1/otlp/v1/metrics": Who.PROGRAMS,
    "GET /api/v1/budget": Who.KEYS,
    "GET /api/openapi.json": Who.ANYONE,
    "GET /healthz": Who.ANYONE,
    "GET /readyz": Who.ANYONE,
    # JSON of people
    "GET /user/api/budget": Who.PEOPLE,
    "GET /user/api/summary": Who.PEOPLE,
    "GET /user/api/summary/cost": Who.PEOPLE,
    "GET /user/api/usage": Who.PEOPLE,
    "GET /user/api/usage/export": Who.PEOPLE,
    "PUT /user/api/usage/{usage_id}/note": Who.PEOPLE,
    "DELETE /user/api/usage/{usage_id}/note": Who.PEOPLE,
    "GET /user/alerts": Who.PEOPLE,
    "POST /user/alerts": Who.PEOPLE,
    "GET /user/api/keys": Who.PEOPLE,
    "POST /user/api/keys": Who.PEOPLE,
    "PATCH /user/api/keys/{key_id}": Who.PEOPLE,
    "POST /user/api/keys/{key_id}/revoke": Who.PEOPLE,
    "PUT /user/api/keys/{key_id}/budget": Who.PEOPLE,
    "GET /user/api/allowances": Who.PEOPLE,
    "GET /user/api/budget-requests": Who.PEOPLE,
    "POST /user/api/budget-requests": Who.PEOPLE,
    "POST /user/api/budget-requests/{request_id}/withdraw": Who.PEOPLE,
    "GET /user/api/export": Who.PEOPLE,
    "GET /user/api/notifications": Who.PEOPLE,
    "PUT /user/api/notifications": Who.PEOPLE,
    "PUT /user/api/notifications/webhook": Who.PEOPLE,
    "PUT /user/api/notifications/chat": Who.PEOPLE,
    "DELETE /user/api/notifications/{channel}": Who.PEOPLE,
    "POST /user/api/notifications/{channel}/test": Who.PEOPLE,
    # JSON of administration
    "GET /admin/api/accounts": "accounts:read",
    "GET /admin/api/accounts/export": "accounts:read",
    "POST /admin/api/accounts": "accounts:write",
    "PATCH /admin/api/accounts/{account_id}": "accounts:write",
    "PUT /admin/api/accounts/{account_id}/budget": "accounts:write",
    "POST /admin/api/accounts/{account_id}/suspend": "accounts:write",
    "POST /admin/api/accounts/{account_id}/activate": "accounts:write",
    "POST /admin/api/accounts/{account_id}/sign-out": "accounts:write",
    "POST /admin/api/accounts/{account_id}/unlock": "accounts:write",
    "POST /admin/api/accounts/{account_id}/password-link": "accounts:write",
    "DELETE /admin/api/accounts/{account_id}": "accounts:write",
    "POST /admin/api/accounts/bulk": "accounts:write",
    "POST /admin/api/accounts/import": "accounts:write",
    "GET /admin/api/budget-requests": "budget-requests:read",
    "GET /admin/api/budget-requests/export": "budget-requests:read",
    "GET /admin/api/budget-requests/{request_id}": "budget-requests:read",
    "POST /admin/api/budget-requests/{request_id}/approve": "budget-requests:write",
    "POST /admin/api/budget-requests/{request_id}/decline": "budget-requests:write",
    "GET /admin/api/templates": "templates:read",
    "GET /admin/api/templates/export": "templates:read",
    "GET /admin/api/templates/{template_id}": "templates:read",
    "GET /admin/api/templates/{template_id}/sovereign": "templates:read",
    "PUT /admin/api/templates": "templates:write",
    "POST /admin/api/templates/import": "templates:write",
    "DELETE /admin/api/templates/{template_id}": "templates:write",
    "GET /admin/api/default-budgets": "accounts:read",
    "PUT /admin/api/default-budgets/{role}": "accounts:write",
    "GET /admin/api/accounts/{account_id}": "accounts:read",
    "GET /admin/api/accounts/{account_id}/keys": "accounts:read",
    "POST /admin/api/accounts/{account_id}/keys": "accounts:write",
    "DELETE /admin/api/accounts/{account_id}/keys/{key_id}": "accounts:write",
    "GET /admin/api/accounts/{account_id}/sessions": "accounts:read",
    "DELETE /admin/api/accounts/{account_id}/sessions/{session_id}": "accounts:write",
    "GET /admin/api/accounts/{account_id}/allowances": "accounts:read",
    "POST /admin/api/accounts/{account_id}/allowances": "accounts:write",
    "DELETE /admin/api/accounts/{account_id}/allowances/{allowance_id}": "accounts:write",
    "GET /admin/api/accounts/{account_id}/export": "accounts:read",
    "GET /admin/api/accounts/{account_id}/usage": "accounts:read",
    "GET /admin/api/accounts/{account_id}/usage/export": "accounts:read",
    "GET /admin/api/accounts/{account_id}/billing": "accounts:read",
    "GET /admin/api/audit": "audit:read",
    "GET /admin/api/audit/export": "audit:read",
    "GET /admin/api/usage": "usage:read",
    "GET /admin/api/usage/export": "usage:read",
    "GET /admin/api/usage/chargeback": "usage:read",
    "GET /admin/api/usage/chargeback/file": "usage:read",
    "GET /admin/api/usage/requests": "usage:read",
    "GET /admin/api/usage/requests/export": "usage:read",
    "GET /admin/api/gateways": "gateways:read",
    "POST /admin/api/gateways": "gateways:write",
    "GET /admin/api/gateways/{gateway_id}": "gateways:read",
    "POST /admin/api/gateways/{gateway_id}/tokens": "gateways:write",
    "POST /admin/api/gateways/{gateway_id}/revoke": "gateways:write",
    "GET /admin/api/teams": "teams:read",
    "GET /admin/api/teams/export": "teams:read",
    "POST /admin/api/teams": "teams:write",
    "GET /admin/api/teams/{team_id}": "teams:read",
    "PATCH /admin/api/teams/{team_id}": "teams:write",
    "PUT /admin/api/teams/{team_id}/budget": "teams:write",
    "PUT /admin/api/teams/{team_id}/members/{account_id}": "teams:write",
    "DELETE /admin/api/teams/{team_id}/members/{account_id}": "teams:write",
    "PUT /admin/api/teams/{team_id}/managers/{account_id}": "teams:write",
    "DELETE /admin/api/teams/{team_id}/managers/{account_id}": "teams:write",
    "POST /admin/api/teams/{team_id}/suspend": "teams:write",
    "POST /admin/api/teams/{team_id}/activate": "teams:write",
    "DELETE /admin/api/teams/{team_id}": "teams:write",
    "GET /admin/api/notes": "notes:read",
    "GET /admin/api/notes/export": "notes:read",
    "GET /admin/api/system": "system:read",
    "POST /admin/api/system/verify": "system:write",
    "GET /admin/api/system/mails": "system:read",
    "POST /admin/api/system/mails/{message_id}/retry": "system:write",
    "POST /admin/api/system/channels/{channel}/test": "system:write",
    "GET /admin/api/system/tokens": "system:read",
    "POST /admin/api/system/tokens": "system:write",
    "DELETE /admin/api/system/tokens/{token_id}": "system:write",
    "GET /admin/api/held": "held:read",
    "GET /admin/api/held/export": "held:read",
    "GET /admin/api/held/{number}": "held:read",
    "POST /admin/api/held/{number}/assign": "held:write",
    "POST /admin/api/held/{number}/dismiss": "held:write",
    "POST /admin/api/held/settle": "held:write",
    "GET /admin/api/prices": "prices:read",
    "GET /admin/api/prices/export": "prices:read",
    "GET /admin/api/prices/unpriced": "prices:read",
    "POST /admin/api/prices/preview": "prices:read",
    "POST /admin/api/prices": "prices:write",
    "POST /admin/api/prices/import": "prices:write",
    "POST /admin/api/prices/repair": "prices:write",
    "DELETE /admin/api/prices/{price_id}": "prices:write",
    # pages
    "GET /user/dashboard": Who.PEOPLE,
    "GET /user/billing": Who.PEOPLE,
    "GET /user/usage": Who.PEOPLE,
    "GET /user/keys": Who.PEOPLE,
    "GET /user/profile": Who.PEOPLE,
    "GET /team": Who.MANAGERS,
    "GET /team/requests": Who.MANAGERS,
    "GET /admin/accounts": Who.ADMINISTRATORS,
    "GET /admin/accounts/{account_id}": Who.ADMINISTRATORS,
    "GET /admin/accounts/{account_id}/usage": Who.ADMINISTRATORS,
    "GET /admin/accounts/{account_id}/billing": Who.ADMINISTRATORS,
    "GET /admin/audit": Who.ADMINISTRATORS,
    "GET /admin/setup": Who.ADMINISTRATORS,
    "GET /admin/templates": Who.ADMINISTRATORS,
    "GET /admin/requests": Who.ADMINISTRATORS,
    "GET /admin/notes": Who.ADMINISTRATORS,
    "GET /admin/system": Who.ADMINISTRATORS,
    "GET /admin/held": Who.ADMINISTRATORS,
    "GET /admin/teams": Who.ADMINISTRATORS,
    "GET /admin/teams/{team_id}": Who.ADMINISTRATORS,
    "GET /admin/usage": Who.ADMINISTRATORS,
    "GET /admin/usage/requests": Who.ADMINISTRATORS,
    "GET /admin/prices": Who.ADMINISTRATORS,
    "GET /admin/gateways": Who.ADMINISTRATORS,
    "GET /admin/gateways/new": Who.ADMINISTRATORS,
    "GET /admin/gateways/{gateway_id}": Who.ADMINISTRATORS,
    # forms
    "GET /user/login": Who.ANYONE,
    "POST /user/login": Who.ANYONE,
    "POST /user/logout": Who.ANYONE,
    "POST /user/exit": Who.ANYONE,
    "GET /user/setup": Who.ANYONE,
    "POST /user/setup": Who.ANYONE,
    "GET /user/forgot-password": Who.ANYONE,
    "POST /user/forgot-password": Who.ANYONE,
    "GET /user/reset-password": Who.ANYONE,
    "POST /user/reset-password": Who.ANYONE,
}


def page_routes() -> set[str]:
    """Return the routes of pages and forms on a server; the desktop program has one person and one session."""
    routes = [route for module in (*pages.server_pages(), *pages.FORMS) for route in module.router.routes]
    return {f"{method} {route.path}" for route in routes for method in route.methods}


def json_routes() -> set[str]:
    """Return the routes that the OpenAPI document has."""
    return {f"{method.upper()} {path}" for path, operations in openapi()["paths"].items() for method in operations}


def route_id(route: str) -> str:
    """Return a route as the name of a test."""
    return route.replace(" ", "-").replace("/", "_")
