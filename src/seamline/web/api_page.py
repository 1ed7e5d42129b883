"""``/openapi.json`` for programs, and ``/docs/api``: the same, to be read."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seamline.gate.gate import Gate
from seamline.web.openapi import document
from seamline.web.page import page

_HOW_TO_START = (
    "<p>Send the token as <code>Authorization: Bearer at_…</code>. For programs: "
    '<a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>'
)


def api_routes(gate: Gate) -> list[Route]:
    """Return the routes of the API's description."""
    del gate
    return [
        Route("/openapi.json", _openapi, methods=["GET"]),
        Route("/docs/api", _readable, methods=["GET"]),
    ]


async def _openapi(request: Request) -> Response:
    del request
    return Response(msgspec.json.encode(document()), media_type="application/json")


async def _readable(request: Request) -> Response:
    del request
    return page("Import API", _content(), kind="text")


@cache
def _content() -> str:
    described = document()
    operations = [
        (method, path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    return "\n".join(
        [
            f"<p>{escape(described['info']['description'])}</p>",
            _HOW_TO_START,
            '<nav aria-label="Operations"><ul>',
            *(_link(method, path, operation) for method, path, operation in operations),
            "</ul></nav>",
            *(
                part
                for method, path, operation in operations
                for part in _section(described, method, path, operation)
            ),
        ]
    )


def _link(method: str, path: str, operation: dict[str, Any]) -> str:
    return (
        f'<li><span class="method">{method.upper()}</span> '
        f'<a href="#{operation["operationId"]}"><code>{escape(path)}</code></a></li>'
    )


def _section(
    described: dict[str, Any], method: str, path: str, operation: dict[str, Any]
) -> Iterator[str]:
    summary = operation["summary"] + ("" if operation["summary"].endswith("?") else ".")
    yield (
        f'<section id="{operation["operationId"]}"><h2><span class="method">{method.upper()}</span>'
        f" <code>{escape(path)}</code></h2>"
        f"<p>{escape(summary)} {escape(operation.get('description', ''))}</p>"
    )
    if "parameters" in operation:
        rows = [
            (f"<code>{p['name']}</code>", p["in"], escape(p["description"]))
            for p in operation["parameters"]
        ]
        yield _table(("Parameter", "In", ""), rows)
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: <code>{media_type}</code></p>"
        example = _resolved(described, content.get("schema", {})).get("example")
        if example is not None:
            text = json.dumps(example, indent=2, ensure_ascii=False)
            yield f'<pre tabindex="0"><code>{escape(text, quote=False)}</code></pre>'
    answers = [(code, escape(r["description"])) for code, r in operation["responses"].items()]
    yield _table(("Answer", ""), sorted(answers)) + "</section>"


def _resolved(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = described["components"]["schemas"].get(name, schema)
    return found


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    def line(tag: str, cells: tuple[str, ...]) -> str:
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line("td", row) for row in rows)
    return (
        f'<div class="wide"><table><thead>{line("th", head)}</thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
