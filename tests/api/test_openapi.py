import json
import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from portal.api import api_router, openapi
from portal.api.bodies import NO_BODY
from portal.gateways.native import Event
from tests.api.conftest import Client

FOUND: list[tuple[str, str, dict[str, Any]]] = [
    (method.upper(), path, operation)
    for path, operations in openapi()["paths"].items()
    for method, operation in operations.items()
]
OPERATIONS = [pytest.param(*found, id=f"{found[0]} {found[1]}") for found in FOUND]
SPECIFIED = {
    ("GET", "/user/api/budget"),
    ("GET", "/user/api/summary"),
    ("GET", "/user/api/summary/cost"),
    ("GET", "/user/api/usage"),
    ("GET", "/user/api/usage/export"),
    ("PUT", "/user/api/usage/{usage_id}/note"),
    ("DELETE", "/user/api/usage/{usage_id}/note"),
    ("GET", "/user/alerts"),
    ("POST", "/user/alerts"),
    ("GET", "/user/api/keys"),
    ("POST", "/user/api/keys"),
    ("PATCH", "/user/api/keys/{key_id}"),
    ("POST", "/user/api/keys/{key_id}/revoke"),
    ("PUT", "/user/api/keys/{key_id}/budget"),
    ("GET", "/user/api/export"),
    ("GET", "/user/api/notifications"),
    ("PUT", "/user/api/notifications"),
    ("PUT", "/user/api/notifications/webhook"),
    ("PUT", "/user/api/notifications/chat"),
    ("DELETE", "/user/api/notifications/{channel}"),
    ("POST", "/user/api/notifications/{channel}/test"),
    ("GET", "/user/api/allowances"),
    ("GET", "/user/api/budget-requests"),
    ("POST", "/user/api/budget-requests"),
    ("POST", "/user/api/budget-requests/{request_id}/withdraw"),
    ("GET", "/api/v1/budget"),
    ("POST", "/api/v1/usage"),
    ("POST", "/api/v1/usage/litellm"),
    ("POST", "/api/v1/usage/openai"),
    ("POST", "/api/v1/usage/continue"),
    ("POST", "/api/v1/otlp/v1/traces"),
    ("POST", "/api/v1/otlp/v1/logs"),
    ("POST", "/api/v1/otlp/v1/metrics"),
    ("POST", "/api/v1/authorize"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/api/openapi.json"),
}

WITHOUT_BODY = {
    (method, route.path)
    for route in api_router().routes
    if isinstance(route, APIRoute) and NO_BODY in route.dependencies
    for method in route.methods or ()
}
"""Routes that refuse a body."""

OTLP = {"/api/v1/otlp/v1/traces", "/api/v1/otlp/v1/logs", "/api/v1/otlp/v1/metrics"}
FOREIGN = {
    *("/api/v1/usage/litellm", "/api/v1/usage/openai", "/api/v1/usage/continue", "/admin/api/prices/import"),
    "/admin/api/templates/import",
    *OTLP,
}
"""What other programs send as they like: open, and described in words."""


def test_the_document_is_served(client: Client) -> None:
    assert client.get("/api/openapi.json").json() == openapi()


def test_every_route_is_in_it() -> None:
    """Those of administration are in `tests.test_administration`."""
    assert {(method, path) for method, path, _ in FOUND if not path.startswith("/admin/")} == SPECIFIED


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_answer_is_described(method: str, path: str, operation: dict[str, Any]) -> None:
    assert {"422", "500", "503"} <= operation["responses"].keys()
    for status, response in operation["responses"].items():
        assert response["description"], status
        if int(status) >= 400:
            schema = response["content"]["application/json"]["schema"]["$ref"]
            assert schema.rpartition("/")[2] in {"ErrorAnswer", "NotReady"}
    assert operation["description"].endswith(".")
    assert operation["tags"]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_route_names_who_may_call_it(method: str, path: str, operation: dict[str, Any]) -> None:
    if path.startswith("/user/"):
        assert operation["security"] == [{"Session": []}]
    elif path.startswith("/admin/"):
        assert operation["security"] == [{"Session": []}, {"AdminToken": []}]
        assert {"401", "403"} <= operation["responses"].keys()
    elif path.startswith("/api/v1/"):
        either: Any = [{"GatewayToken": []}, {"ApiKey": []}] if path in (FOREIGN - {"/api/v1/usage/litellm"}) else None
        assert operation["security"] in ([{"ApiKey": []}], [{"GatewayToken": []}], either)
    assert ("401" in operation["responses"]) == ("security" in operation)
    assert set(openapi()["components"]["securitySchemes"]) == {"Session", "ApiKey", "GatewayToken", "AdminToken"}


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_body_is_described_and_closed(method: str, path: str, operation: dict[str, Any]) -> None:
    has_body = method in {"PUT", "PATCH", "POST"} and (method, path) not in WITHOUT_BODY
    assert ("requestBody" in operation) == has_body
    for content in operation.get("requestBody", {}).get("content", {}).values():
        for schema in content["schema"].get("anyOf", [content["schema"]]):
            if schema["type"] == "string":  # of bytes
                continue
            assert schema.get("items", schema)["additionalProperties"] is (path in FOREIGN)


def test_usage_is_described_in_each_of_its_forms() -> None:
    content = openapi()["paths"]["/api/v1/usage"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/x-ndjson", "application/jsonl"}
    assert set(content["application/jsonl"]["schema"]["properties"]) == set(Event.model_fields)
    assert content["application/json"]["schema"]["anyOf"][1]["maxItems"] == 1000


def test_parameters_are_described() -> None:
    usage = openapi()["paths"]["/user/api/usage"]["get"]["parameters"]
    names = {parameter["name"]: parameter["schema"] for parameter in usage}
    assert set(names) == {
        "range",
        "token_name",
        "mode",
        "status",
        "from",
        "to",
        "limit",
        "cursor",
        "model",
        "budget_from",
        "budget_to",
        "order",
        "counts",
    }
    assert (names["limit"]["minimum"], names["limit"]["maximum"], names["limit"]["default"]) == (1, 500, 50)
    assert names["range"]["enum"] == ["7", "30", "90"]


def test_names_are_proper_and_references_lead_somewhere() -> None:
    text = json.dumps(openapi())
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in openapi()["components"]["schemas"]
    ids = [operation["operationId"] for _, _, operation in FOUND]
    assert len(ids) == len(set(ids))
    components = openapi()["components"]
    assert all(re.fullmatch(r"[\w.-]+", name) for kind in components.values() for name in kind)


def test_default_errors_of_the_framework_are_not_documented() -> None:
    assert "HTTPValidationError" not in json.dumps(openapi())
