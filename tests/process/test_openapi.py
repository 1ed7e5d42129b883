"""The OpenAPI description is true: schemathesis makes requests of it and judges the answers."""

import json
import urllib.request
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from seamline.config.settings import Settings
from seamline.gate.routes import make_app
from seamline.web.openapi import document
from seamline.web.site import site
from tests.server import Server


@schemathesis.serializer("application/x-ndjson", "application/vnd.apache.arrow.stream")
def as_lines(ctx: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
OPERATIONS = [
    (method.upper(), path) for path, methods in document()["paths"].items() for method in methods
]


@pytest.fixture(scope="module")
def access(server: Server) -> dict[str, Any]:
    """A token, and the path of a webhook."""
    token = server.token()
    server.cli("integration", "create", "Hook", "--type", "webhook")
    made = server.json("token", "create", "Hook")
    client_id = server.json("integration", "show", "Hook")["client_id"]
    return {"token": token, "hook": {"client_id": str(client_id), "token": made["access_token"]}}


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{m} {p}" for m, p in OPERATIONS])
def test_answers_are_as_described(
    server: Server, access: dict[str, Any], method: str, path: str
) -> None:
    described = schemathesis.openapi.from_url(f"{server.url}/openapi.json")

    @given(case=described[path][method].as_strategy())
    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answers(case: Any) -> None:
        if path.startswith("/v1/clients"):
            case.path_parameters = access["hook"]
        headers = {**(case.headers or {}), "authorization": f"Bearer {access['token']}"}
        case.call_and_validate(headers=headers, checks=CHECKS, timeout=30)

    answers()


def test_what_needs_a_token_asks_for_it(server: Server) -> None:
    for method, path in OPERATIONS:
        if "security" in document()["paths"][path][method.lower()]:
            status, _, text = server.call(method, path, "at_unknown", b"{}")
            assert (status, json.loads(text)) == (401, {"message": "Not Authorized"})


def test_all_paths_are_described() -> None:
    served = {
        getattr(route, "path", "")
        for route in make_app(Settings(), site(Settings())).app.routes
        if getattr(route, "path", "").startswith(("/v1/", "/v2/"))
    }
    assert set(document()["paths"]) == served


def test_examples_are_accepted(server: Server, access: dict[str, Any]) -> None:
    example = document()["components"]["schemas"]["Batch"]["example"]
    status, _, text = server.post(access["token"], json.dumps(example).encode())
    assert status == 201, text


def test_the_page_names_every_path(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/docs/api", timeout=30) as answer:
        text = answer.read().decode()
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path in document()["paths"]:
        assert path in text
