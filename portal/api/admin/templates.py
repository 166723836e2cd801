"""Expert templates for administrators: the list, its export, one template, and changes."""

from decimal import Decimal
from typing import Annotated, Any, Self

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from portal.actions.templates import define_sovereign_template, define_template, delete_template
from portal.api.access import Reading, Writing
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import (
    ExportParameters,
    ListAnswer,
    ListQuery,
    PageParameters,
    export_file,
    export_route,
    list_answer,
)
from portal.api.bodies import NO_BODY, Body, JsonBody, RowId, body_documentation
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.clock import utc_now
from portal.rules.people.actors import Actor
from portal.rules.sovereign_templates import sovereign_template
from portal.rules.template_list import TEMPLATE_LIST
from portal.views.template_list import TemplateRow, load_template_list, load_template_models, load_template_rows
from portal.views.templates import AssignedModel, TemplateModels

router = admin_router("Expert templates")

READ, WRITE = "templates:read", "templates:write"
Reader = Annotated[Actor, Depends(admin_caller(READ))]
Writer = Annotated[Actor, Depends(admin_caller(WRITE))]
TEMPLATE = "/admin/api/templates/{template_id}"


class TemplatePageQuery(ListQuery, PageParameters):
    """A filter and a page; `search` looks in names and models."""


class TemplateExportQuery(ListQuery, ExportParameters):
    """Which templates to export, and in which format."""


class TemplateItem(BaseModel):
    """An expert template in the list, with the number of its models, categories and accounts."""

    id: int
    name: str
    cost_factor: str = Field(description="Exact decimal string", examples=["1.25"])
    models: int
    categories: int
    accounts: int

    @classmethod
    def of(cls, row: TemplateRow) -> Self:
        """Return a template as JSON."""
        same = {name: getattr(row, name) for name in ("id", "name", "models", "categories", "accounts")}
        return cls(**same, cost_factor=f"{row.cost_factor:f}")


class ModelBody(Body):
    """A model of a category; `required` models always answer, the others are the fallback."""

    category: str
    model: str
    endpoint: str = ""
    required: bool = False


class TemplateBody(Body):
    """An expert template, which replaces the one of the same name."""

    name: str
    cost_factor: Annotated[int | str, Field(description="0 to 1000; a decimal text is exact")] = 1
    models: list[ModelBody]


class TemplateAnswer(BaseModel):
    """An expert template with its models, in their order."""

    id: int
    name: str
    cost_factor: str
    models: list[ModelBody]

    @classmethod
    def of(cls, view: TemplateModels) -> Self:
        """Return a template as JSON."""
        models = [
            ModelBody(category=m.category, model=m.model, endpoint=m.endpoint, required=m.required) for m in view.models
        ]
        return cls(id=view.id, name=view.name, cost_factor=f"{view.cost_factor:f}", models=models)


class SovereignBody(BaseModel):
    """A template of MoE Sovereign; other fields than these are ignored."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": True})

    name: str
    cost_factor: Decimal | None = None
    experts: dict[str, Any]


COLUMNS = ("name", "cost_factor", "models", "categories", "accounts")
"""The columns of the export."""


@router.get("/admin/api/templates", responses=answers(401, 403))
def read_templates(
    session: Reading, caller: Reader, query: Annotated[TemplatePageQuery, Query()]
) -> ListAnswer[TemplateItem]:
    """Return one page of the expert templates that match a filter."""
    wanted = query.filter(TEMPLATE_LIST)
    view = load_template_list(session, caller, wanted, utc_now(), query.limit, query.cursor or None)
    return list_answer(view, TemplateItem.of)


@router.get("/admin/api/templates/export", **export_route(READ, COLUMNS))
def export_templates(
    session: Streaming, caller: Reader, query: Annotated[TemplateExportQuery, Query()]
) -> StreamingResponse:
    """Return all expert templates that match a filter, as a file."""
    rows = load_template_rows(session, caller, query.filter(TEMPLATE_LIST))
    cells = ([row.name, row.cost_factor, row.models, row.categories, row.accounts] for row in rows)
    return export_file("templates", "Expert templates", COLUMNS, cells, query.format, query.bom, utc_now())


@router.get(TEMPLATE, responses=answers(401, 403, 404))
def read_template(session: Reading, caller: Reader, template_id: RowId) -> TemplateAnswer:
    """Return one expert template."""
    return TemplateAnswer.of(load_template_models(session, caller, template_id))


@router.get(f"{TEMPLATE}/sovereign", responses=answers(401, 403, 404))
def read_sovereign_json(session: Reading, caller: Reader, template_id: RowId) -> dict[str, Any]:
    """Return one expert template in the JSON of MoE Sovereign."""
    view = load_template_models(session, caller, template_id)
    return sovereign_template(view.name, view.cost_factor, view.models)


@router.put("/admin/api/templates", openapi_extra=body_documentation(TemplateBody), responses=answers(401, 403, 415))
def put_template(
    caller: Writer, session: Writing, new: Annotated[TemplateBody, Depends(JsonBody(TemplateBody))]
) -> TemplateAnswer:
    """Create an expert template, or replace the one of the same name."""
    models = [AssignedModel(**model.model_dump()) for model in new.models]
    number = define_template(session, caller, new.name, new.cost_factor, models, utc_now())
    return TemplateAnswer.of(load_template_models(session, caller, number))


@router.post(
    "/admin/api/templates/import", openapi_extra=body_documentation(SovereignBody), responses=answers(401, 403, 415)
)
def import_template(
    caller: Writer, session: Writing, new: Annotated[SovereignBody, Depends(JsonBody(SovereignBody))]
) -> TemplateAnswer:
    """Create an expert template from the JSON of MoE Sovereign, or replace the one of the same name."""
    number = define_sovereign_template(session, caller, new.model_dump(), utc_now())
    return TemplateAnswer.of(load_template_models(session, caller, number))


@router.delete(TEMPLATE, status_code=204, dependencies=[NO_BODY], responses=answers(401, 403, 404, 409, 415))
def end_template(caller: Writer, session: Writing, template_id: RowId) -> None:
    """Delete an expert template that no account has."""
    delete_template(session, caller, template_id, utc_now())
