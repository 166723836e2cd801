"""The labels of codes: levels, types of budgets, roles, themes and languages."""

from portal.rules.jobs import Job
from portal.rules.messages import Message, message
from portal.rules.metering.held_list import CONFLICT, UNATTRIBUTED
from portal.rules.notifications import Channel, Topic
from portal.rules.people.account_list import AccountStatus
from portal.rules.people.accounts import Role, Theme
from portal.rules.people.team_list import TeamStatus
from portal.rules.periods import Period
from portal.rules.spending.budget_requests import RequestState
from portal.rules.spending.budgets import BudgetType, Level, PeriodBudget
from portal.rules.spending.price_list import PriceStatus

LEVELS = {Level.NORMAL: message("Normal"), Level.WARNING: message("Warning"), Level.CRITICAL: message("Critical")}
BUDGET_TYPES = {BudgetType.SUBSCRIPTION: message("Subscription"), BudgetType.ONE_TIME: message("One-time")}
BUDGETS = {
    Period.DAILY: message("Daily budget"),
    Period.MONTHLY: message("Monthly budget"),
    Period.TOTAL: message("Total budget"),
}
ROLES = {Role.USER: message("User"), Role.EXPERT: message("Expert"), Role.ADMIN: message("Administrator")}
STATUSES = {
    AccountStatus.ACTIVE: message("Active"),
    AccountStatus.SUSPENDED: message("Suspended"),
    AccountStatus.DELETED: message("Deleted"),
}
PRICE_STATUSES = {
    PriceStatus.IN_FORCE: message("In force"),
    PriceStatus.PLANNED: message("Planned"),
    PriceStatus.ENDED: message("Ended"),
}
TEAM_STATUSES = {TeamStatus.ACTIVE: message("Active"), TeamStatus.SUSPENDED: message("Suspended")}
HELD_REASONS = {UNATTRIBUTED: message("Unknown owner"), CONFLICT: message("Contradiction")}
HELD_REASONS_EXPLAINED = {
    UNATTRIBUTED: message("Nobody has the key or the name in this report. Assign it to an account, or dismiss it."),
    CONFLICT: message("Its id is that of a stored event with other content, which counts. It cannot count as well."),
}
REQUEST_STATES = {
    RequestState.OPEN: message("Open"),
    RequestState.APPROVED: message("Approved"),
    RequestState.DECLINED: message("Declined"),
    RequestState.WITHDRAWN: message("Withdrawn"),
}
THEMES = {
    Theme.SYSTEM: message("Follow the system"),
    Theme.LIGHT: message("Light"),
    Theme.DARK: message("Dark"),
}
CHANNELS = {Channel.MAIL: message("Mail"), Channel.WEBHOOK: message("Webhook"), Channel.CHAT: message("Chat")}
TOPICS = {
    Topic.ALERT: message("Budget alerts"),
    Topic.REQUEST: message("Requests for more tokens"),
    Topic.VERIFICATION: message("A verification found differences"),
    Topic.SILENT: message("A gateway stopped reporting"),
    Topic.UNPRICED: message("Requests without a price"),
    Topic.HELD: message("Held events"),
    Topic.GIVEN_UP: message("Messages that could not be sent"),
}
JOBS = {
    Job.VERIFICATION: message("Nightly verification"),
    Job.FORECASTS: message("Forecasts"),
    Job.BACKUPS: message("Scheduled backups"),
    Job.RETENTION: message("Removal of old data"),
}
NOUN_LABELS = {
    "accounts": message("Accounts"),
    "teams": message("Teams"),
    "budget-requests": message("Budget Requests"),
    "prices": message("Prices"),
    "templates": message("Expert Templates"),
    "gateways": message("Gateways"),
    "held": message("Held Events"),
    "usage": message("Organisation Usage"),
    "notes": message("Notes"),
    "audit": message("Audit Log"),
    "system": message("System"),
}
"""The nouns of the scopes of admin tokens."""
LANGUAGES = {"en": "English", "de": "Deutsch"}
"""The name of each language in that language, so that people find their own."""


def level_label(budget: PeriodBudget) -> Message:
    """Return the label of a budget: its level, "Used up" or "No limit"."""
    if budget.level is None:
        return message("No limit")
    return message("Used up") if budget.is_used_up else LEVELS[budget.level]
