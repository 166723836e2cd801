"""The PORTAL_NOTIFY_* variables: webhooks and chat services."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

SHORTEST_SECRET = 16


class NotificationSettings(BaseSettings):
    """Where notifications of administrators go, and where those of people may go."""

    notify_webhook_url: SecretStr | None = Field(
        default=None, description="Webhook that gets the notifications of administrators, besides those on Profile"
    )
    notify_webhook_secret: SecretStr | None = Field(
        default=None, validate_default=True, description="Signs the requests to that webhook; at least 16 characters"
    )
    notify_chat_url: SecretStr | None = Field(
        default=None, description="Chat service that gets them, in Apprise's notation; needs the extra chat"
    )
    notify_chat_services: str = Field(
        default="slack,workflows,ntfy,matrix",
        description="Apprise's names of the chat services that may be used, separated by commas; empty: none",
    )
    notify_private_addresses: bool = Field(
        default=False, description="Whether webhooks and chat services may be on a private network, and use HTTP"
    )
    notify_timeout: float = Field(
        default=10, ge=1, le=60, description="Seconds within which a webhook or chat service must accept a message"
    )
    notify_silent_minutes: int = Field(
        default=60, ge=0, description="Minutes without a report after which a gateway counts as silent; 0: never"
    )

    @field_validator("notify_webhook_url", "notify_chat_url")
    @classmethod
    def _is_filled(cls, url: SecretStr | None) -> SecretStr | None:
        return url if url and url.get_secret_value().strip() else None

    @field_validator("notify_webhook_secret")
    @classmethod
    def _has_a_webhook(cls, secret: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        given = secret.get_secret_value() if secret else ""
        if bool(given) != bool(others.data.get("notify_webhook_url")):
            raise ValueError("PORTAL_NOTIFY_WEBHOOK_URL and PORTAL_NOTIFY_WEBHOOK_SECRET go together; set both or none")
        if given and len(given) < SHORTEST_SECRET:
            raise ValueError(f"the secret that signs webhooks has at least {SHORTEST_SECRET} characters")
        return secret if given else None

    @property
    def chat_services(self) -> frozenset[str]:
        """Apprise's names of the chat services that may be used."""
        return frozenset(name.strip().lower() for name in self.notify_chat_services.split(",") if name.strip())
