"""The people of the demo, with their keys, templates and habits."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal

from portal.db.templates import AssignedModel
from portal.rules.people.secrets import API_KEY

PASSWORD = "demo-portal"  # noqa: S105  # public: the demo listens on loopback only
OWNER = "demo"
ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class DemoKey:
    """An API key of the demo. Days are counted back from today, `expires` forward; None is never.

    `style` names the kind of requests that it sends (`portal.demo.requests.STYLES`), `share` its weight among
    the keys of its owner.
    """

    label: str
    style: str
    share: int
    created: int
    expires: int | None = None
    revoked: int | None = None

    def secret(self, seed: int, username: str) -> str:
        """Return the full key, which follows from the seed, so that the simulated gateway can compute it too."""
        return API_KEY + hashlib.sha256(f"{seed}/{username}/{self.label}".encode()).hexdigest()[:48]

    def is_used(self, day: int) -> bool:
        """Return whether the key sends requests `day` days before today."""
        is_over = self.expires is not None and self.expires < -day
        return bool(self.share) and self.created > day and not is_over and (self.revoked is None or day > self.revoked)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A person of the demo. `pace` is the number of requests on a usual working day.

    `joined` and `left` are days before today.
    `weekends` and `holidays` are the shares of weekend days with some work and of weeks without any.
    `alerts` are a threshold in percent and an address.
    """

    username: str
    display_name: str
    email: str
    role: str
    pace: int
    keys: tuple[DemoKey, ...]
    template: str | None = None
    time_zone: str | None = None
    weekends: float = 0.2
    holidays: float = 0.05
    joined: int = 400
    left: int | None = None
    alerts: tuple[int, str | None] | None = None

    def is_here(self, day: int) -> bool:
        """Return whether the person works here `day` days before today."""
        return day < self.joined and (self.left is None or day > self.left)


@dataclass(frozen=True, slots=True)
class DemoTemplate:
    """An expert template of the demo."""

    name: str
    cost_factor: Decimal
    models: tuple[AssignedModel, ...]


TEMPLATES = (
    DemoTemplate(
        "research-de",
        Decimal("1.25"),
        (
            AssignedModel("Code", "qwen3-coder:30b", "gpu-01", True),
            AssignedModel("Code", "deepseek-coder-v2:16b", "gpu-03", False),
            AssignedModel("Reasoning", "deepseek-r1:32b", "gpu-02", True),
            AssignedModel("Reasoning", "gpt-oss:120b", "gpu-04", False),
            AssignedModel("Translation", "mistral-small3.2:24b", "gpu-01", False),
        ),
    ),
    DemoTemplate(
        "code-review",
        Decimal("1.5"),
        (
            AssignedModel("Code", "qwen3-coder:30b", "gpu-01", True),
            AssignedModel("Code", "gpt-oss:120b", "gpu-04", True),
            AssignedModel("Security", "deepseek-r1:32b", "gpu-02", True),
        ),
    ),
    DemoTemplate(
        "quick-answers",
        Decimal("0.8"),
        (
            AssignedModel("General", "mistral-small3.2:24b", "gpu-01", True),
            AssignedModel("General", "phi4:14b", "gpu-05", False),
            AssignedModel("Translation", "gemma3:27b", "gpu-03", False),
        ),
    ),
)

PEOPLE = (
    DemoPerson(
        OWNER,
        "Mara Köhler",
        "mara.koehler@lahn.example",
        "user",
        pace=170,
        template="research-de",
        weekends=0.4,
        holidays=0,
        alerts=(80, None),
        keys=(
            DemoKey("vscode", "code", 34, created=69),
            DemoKey("laptop", "chat", 28, created=264),
            DemoKey("ci-agents", "agent", 22, created=185, expires=12),
            DemoKey("notebook-team", "research", 16, created=51),
            DemoKey("thesis-scripts", "index", 14, created=256, revoked=41),
            DemoKey("workshop-may", "chat", 0, created=202, expires=-175),
            DemoKey("tablet", "chat", 0, created=3),
        ),
    ),
    DemoPerson(
        ADMIN,
        "Jonas Weidner",
        "jonas.weidner@lahn.example",
        "admin",
        pace=14,
        template="quick-answers",
        keys=(DemoKey("ops-scripts", "chat", 3, created=380), DemoKey("monitoring", "probe", 5, created=300)),
    ),
    DemoPerson(
        "aylin.demir",
        "Aylin Demir",
        "aylin.demir@lahn.example",
        "expert",
        pace=85,
        template="code-review",
        time_zone="Europe/Berlin",
        alerts=(75, "team-analytics@lahn.example"),
        keys=(
            DemoKey("workstation", "code", 30, created=310),
            DemoKey("review-bot", "agent", 20, created=120),
            DemoKey("airflow", "index", 12, created=88, expires=210),
        ),
    ),
    DemoPerson(
        "piotr.nowak",
        "Piotr Nowak",
        "piotr.nowak@lahn.example",
        "user",
        pace=60,
        template="code-review",
        time_zone="Europe/Warsaw",
        weekends=0.1,
        keys=(DemoKey("ide", "code", 20, created=240), DemoKey("old-ide", "code", 14, created=390, revoked=62)),
    ),
    DemoPerson(
        "samuel.okafor",
        "Samuel Okafor",
        "samuel.okafor@lahn.example",
        "user",
        pace=52,
        time_zone="Europe/London",
        weekends=0.5,
        keys=(DemoKey("notebook", "research", 18, created=205), DemoKey("phone", "chat", 9, created=140)),
    ),
    DemoPerson(
        "lena.brandt",
        "Lena Brandt",
        "lena.brandt@lahn.example",
        "user",
        pace=44,
        template="research-de",
        time_zone="Europe/Berlin",
        keys=(
            DemoKey("press-office", "chat", 15, created=170),
            DemoKey("glossary", "index", 4, created=60, expires=-9),
        ),
    ),
    DemoPerson(
        "haruka.tanaka",
        "Haruka Tanaka",
        "haruka.tanaka@lahn.example",
        "expert",
        pace=38,
        template="research-de",
        time_zone="Asia/Tokyo",
        keys=(DemoKey("lab", "research", 16, created=330), DemoKey("translation-desk", "chat", 10, created=95)),
    ),
    DemoPerson(
        "ralf.fischer",
        "Ralf Fischer",
        "ralf.fischer@lahn.example",
        "user",
        pace=30,
        time_zone="Europe/Vienna",
        left=34,
        keys=(DemoKey("desktop", "chat", 10, created=360, revoked=34),),
    ),
    DemoPerson(
        "tuuli.virtanen",
        "Tuuli Virtanen",
        "tuuli.virtanen@lahn.example",
        "user",
        pace=26,
        template="quick-answers",
        time_zone="Europe/Helsinki",
        holidays=0,
        joined=9,
        keys=(DemoKey("first-steps", "chat", 10, created=9),),
    ),
)
"""Mara Köhler is the demo account. Ralf Fischer has left and is suspended; Tuuli Virtanen is new."""


def cost_factor(template: str | None) -> Decimal:
    """Return the cost factor of requests that a template answered; 1 without one."""
    return next((t.cost_factor for t in TEMPLATES if t.name == template), Decimal(1))
