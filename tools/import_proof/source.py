"""A database with the tables of a MoE Sovereign, version of September 2026."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text

AT = datetime(2025, 3, 4, 5, 6, 7, 890000, tzinfo=UTC)
"""The default instant of requests."""

TABLES = """
CREATE TABLE users (id text PRIMARY KEY, username text UNIQUE NOT NULL, email text NOT NULL,
    display_name text NOT NULL DEFAULT '', hashed_password text NOT NULL, is_active boolean NOT NULL DEFAULT true,
    is_admin boolean NOT NULL DEFAULT false, role text NOT NULL DEFAULT 'user', language text NOT NULL DEFAULT 'de_DE',
    timezone_offset_hours double precision NOT NULL DEFAULT 0, created_at text NOT NULL);
CREATE TABLE api_keys (id text PRIMARY KEY, user_id text NOT NULL REFERENCES users, key_hash text UNIQUE NOT NULL,
    key_prefix text NOT NULL, label text NOT NULL DEFAULT '', is_active boolean NOT NULL DEFAULT true,
    created_at text NOT NULL, last_used_at text, expires_at text);
CREATE TABLE token_budgets (user_id text PRIMARY KEY REFERENCES users, daily_limit bigint, monthly_limit bigint,
    total_limit bigint, budget_type text NOT NULL DEFAULT 'subscription');
CREATE TABLE permissions (id text PRIMARY KEY, user_id text NOT NULL REFERENCES users, resource_type text NOT NULL,
    resource_id text NOT NULL, granted_at text NOT NULL);
CREATE TABLE admin_expert_templates (id text PRIMARY KEY, name text NOT NULL, config_json text NOT NULL,
    is_active boolean NOT NULL DEFAULT true, created_at text NOT NULL DEFAULT '');
CREATE TABLE user_expert_templates (id text PRIMARY KEY, user_id text NOT NULL REFERENCES users, name text NOT NULL,
    cost_factor double precision NOT NULL DEFAULT 1.0, config_json text NOT NULL,
    is_active boolean NOT NULL DEFAULT true, created_at text NOT NULL);
CREATE TABLE usage_log (id text PRIMARY KEY, user_id text NOT NULL REFERENCES users,
    api_key_id text REFERENCES api_keys, request_id text NOT NULL, session_id text,
    model text NOT NULL, moe_mode text NOT NULL,
    prompt_tokens bigint NOT NULL DEFAULT 0, completion_tokens bigint NOT NULL DEFAULT 0,
    total_tokens bigint NOT NULL DEFAULT 0, status text NOT NULL DEFAULT 'ok', notes text, requested_at text NOT NULL,
    latency_ms integer, dynamic_tmpl_id text);
CREATE INDEX idx_usage_user_date ON usage_log (user_id, requested_at);
"""

SUMS = """
SELECT username, count(*), sum(prompt_tokens)::bigint, sum(completion_tokens)::bigint, sum(total_tokens)::bigint
FROM usage_log JOIN users ON users.id = user_id GROUP BY username ORDER BY username
"""


class Sovereign:
    """A database of MoE Sovereign, with methods that add rows."""

    def __init__(self, url: str) -> None:
        """Create the tables in an empty database."""
        self.url = url
        self.engine: Engine = create_engine(url)
        with self.engine.begin() as connection:
            connection.exec_driver_sql(TABLES)

    def empty(self) -> None:
        """Delete all rows of all tables."""
        self.execute("TRUNCATE users, api_keys, token_budgets, permissions, admin_expert_templates,"
                     " user_expert_templates, usage_log")  # fmt: skip

    def execute(self, statement: str, **values: Any) -> None:
        """Execute a statement in a new transaction."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def add(self, table: str, **values: Any) -> None:
        """Add a row; other columns have the default of the table."""
        with self.engine.begin() as connection:
            insert(connection, table, **values)

    def user(self, username: str, **values: Any) -> None:
        """Add a user; the id is `u-` and the name."""
        usual = {
            "id": f"u-{username}",
            "email": f"{username}@example.org",
            "hashed_password": "$2b$04$" + "a" * 53,
            "created_at": "2026-01-02T03:04:05.678901+00:00",
        }
        self.add("users", username=username, **usual | values)

    def key(self, username: str, key_hash: str, **values: Any) -> None:
        """Add a key; the id is `k-` and its owner's name."""
        usual = {"id": f"k-{username}", "key_prefix": "moe-sk-01234567", "created_at": "2026-01-03T00:00:00"}
        self.add("api_keys", user_id=f"u-{username}", key_hash=key_hash, **usual | values)

    def request(self, id: str, username: str = "alice", at: datetime = AT, **values: Any) -> None:
        """Add a request of 100 and 20 tokens."""
        self.add("usage_log", **request(id, username, at, **values))

    def sums(self) -> list[tuple[Any, ...]]:
        """Return the user name, the number of requests and the three sums of tokens of each user with usage."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(SUMS)]

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def insert(connection: Connection, table: str, **values: Any) -> None:
    """Add a row in an open transaction."""
    places = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"), values)


def request(id: str, username: str = "alice", at: datetime = AT, **values: Any) -> dict[str, Any]:
    """Return a row of `usage_log`."""
    usual: dict[str, Any] = {
        "id": id,
        "user_id": f"u-{username}",
        "request_id": f"chatcmpl-{id}",
        "model": "qwen3:32b",
        "moe_mode": "native",
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "requested_at": at.isoformat(),
    }
    row = usual | values
    row.setdefault("total_tokens", row["prompt_tokens"] + row["completion_tokens"])
    return row
