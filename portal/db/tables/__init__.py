"""Every table. Tokens are whole numbers, money is whole nano-euros (10⁻⁹ EUR), instants are UTC."""

from portal.db.tables.accounts import Account, AdminToken, ApiKey, ResetLink, Session, SetupLink, SignInFailure
from portal.db.tables.alerts import AlertSettings, Crossing
from portal.db.tables.allowances import Allowance, BudgetRequest, DefaultBudget
from portal.db.tables.audit import AuditEntry, AuditPruning, Installation
from portal.db.tables.base import Table
from portal.db.tables.budgets import Budget, KeyBudget, Price, Reservation
from portal.db.tables.events import HeldEvent, Note, PrunedEvent, UsageEvent
from portal.db.tables.gateways import (
    Gateway,
    GatewayToken,
    ImportedAccount,
    ImportProgress,
    RejectedReason,
    UncountedDaily,
)
from portal.db.tables.jobs import JobRun
from portal.db.tables.outbox import NotificationChannel, NotificationChoice, NotificationMark, OutboxMessage
from portal.db.tables.teams import Team, TeamManager
from portal.db.tables.templates import ExpertModel, ExpertTemplate
from portal.db.tables.totals import (
    DayColumns,
    DetailColumns,
    KeyCounter,
    OrganisationDaily,
    SummedColumns,
    TeamCounter,
    UsageByModel,
    UsageCounter,
    UsageDaily,
    UsageHourly,
    UsagePruned,
    Verification,
)

__all__ = [
    "Account",
    "AdminToken",
    "AlertSettings",
    "Allowance",
    "ApiKey",
    "AuditEntry",
    "AuditPruning",
    "Budget",
    "BudgetRequest",
    "Crossing",
    "DefaultBudget",
    "DayColumns",
    "DetailColumns",
    "ExpertModel",
    "ExpertTemplate",
    "Gateway",
    "GatewayToken",
    "HeldEvent",
    "ImportProgress",
    "ImportedAccount",
    "Installation",
    "JobRun",
    "OutboxMessage",
    "Note",
    "NotificationChannel",
    "NotificationChoice",
    "NotificationMark",
    "KeyBudget",
    "KeyCounter",
    "OrganisationDaily",
    "Price",
    "PrunedEvent",
    "RejectedReason",
    "Reservation",
    "ResetLink",
    "Session",
    "SetupLink",
    "SignInFailure",
    "SummedColumns",
    "Table",
    "Team",
    "TeamCounter",
    "TeamManager",
    "UncountedDaily",
    "UsageByModel",
    "UsageCounter",
    "UsageDaily",
    "UsageEvent",
    "UsageHourly",
    "UsagePruned",
    "Verification",
]
