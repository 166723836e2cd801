"""Liveness and readiness of the process."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from portal.api.bodies import strict_router
from portal.api.errors import ErrorAnswer, answers
from portal.db.sql.session import run_in_reading
from portal.errors import Unavailable
from portal.views.health import load_health

router = strict_router("Operations")


class Health(BaseModel):
    """The process is running."""

    status: Literal["ok"] = "ok"


class LastVerification(BaseModel):
    """The result of the last nightly comparison of all sums with the stored requests."""

    finished_at: datetime
    accounts: int
    requests: int
    differences: int = Field(description="Sums that differ from the sum of the requests; the log has each of them")


class Readiness(BaseModel):
    """The state of what the portal needs."""

    status: Literal["ready"] = "ready"
    database: Literal["ok", "unreachable"] = "ok"
    migrations: Literal["ok", "missing", "unknown"] = Field(
        default="ok", description="Whether the database has the schema of this program"
    )
    verification: LastVerification | None = Field(
        default=None, description="Null before the first night; differences do not make the portal unready"
    )


class NotReady(ErrorAnswer):
    """An error that names the missing part."""

    database: Literal["ok", "unreachable"]
    migrations: Literal["ok", "missing", "unknown"]


@router.get("/healthz", responses=answers())
async def read_health() -> Health:
    """Answer that the process is running; checks nothing else."""
    return Health()


@router.get(
    "/readyz",
    responses=answers() | {503: {"model": NotReady, "description": "The database is unreachable or not migrated"}},
    response_model=Readiness,
)
def read_readiness() -> Readiness | JSONResponse:
    """Return whether the database is reachable and has the schema of this program."""
    try:
        health = run_in_reading(load_health)
    except Unavailable:
        return _not_ready("The database does not answer.", "unreachable", "unknown")
    if not health.is_migrated:
        return _not_ready("The database has another schema than this program.", "ok", "missing")
    return Readiness.model_validate({"verification": health.verification}, from_attributes=True)


def _not_ready(
    detail: str, database: Literal["ok", "unreachable"], migrations: Literal["missing", "unknown"]
) -> JSONResponse:
    content = NotReady(error="not_ready", detail=detail, database=database, migrations=migrations)
    return JSONResponse(content.model_dump(), 503, {"Retry-After": "5"})
