"""``GET /api/openapi.json``: all of ``/api``, put together from what each route says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from quart import Blueprint, Quart, Response
from werkzeug.routing import Rule

from seeder import __version__
from seeder.web import security
from seeder.web.described import ATTRIBUTE, ERROR, Bytes, Content, Named, Operation, described

PATH = "/api/openapi.json"
TAGS = {
    "streams": "What is published now, and what is made here.",
    "recordings": "What was live, and stays.",
    "tasks": "Long work behind an answer: exports, clips, imports.",
    "uploads": "Files that become recordings (tus 1.0).",
    "keys": "Who may publish.",
    "server": "The server itself.",
}
BUILT_IN = ("HEAD", "OPTIONS")
"""Methods that every route with GET has."""
ADMINS = {
    401: "No token, or a wrong one.",
    403: "Not allowed, or sent by a page of another site.",
    429: "Ten wrong tokens in a minute from this address.",
}
_VARIABLE = re.compile(r"<(?:[^:<>]*:)?([^<>]+)>")


def blueprint(beside: Mapping[str, object]) -> Blueprint:
    """``beside``: paths that are not Quart's to route, and what is described there: the operation of GET, or
    one for each method."""
    routes = Blueprint("openapi", __name__)
    held: list[bytes] = []

    @routes.record_once
    def registered(state: Any) -> None:
        app: Quart = state.app

        @app.before_serving
        async def put_together() -> None:
            # Once all routes are there.
            held[:] = [orjson.dumps(document(operations(app, beside)), option=orjson.OPT_INDENT_2)]

    @routes.get(PATH)
    @described(
        "This description",
        tag="server",
        answers={200: ("an OpenAPI 3.1 document", {"type": "object", "required": ["openapi", "paths"]})},
    )
    async def shown() -> Response:
        headers = dict((*security.API, ("Cache-Control", "no-cache")))
        return Response(held[0], 200, headers, content_type="application/json")

    return routes


Operations = Mapping[str, Mapping[str, Operation]]
"""Path in OpenAPI's words → method in lower case."""


def operations(app: Quart, beside: Mapping[str, object]) -> Operations:
    """Of all routes that say something of themselves. Pure, as all below."""
    found: dict[str, dict[str, Operation]] = {
        path: dict(what) if isinstance(what, Mapping) else {"get": getattr(what, ATTRIBUTE)}
        for path, what in beside.items()
    }
    for rule in app.url_map.iter_rules():
        operation = getattr(app.view_functions[rule.endpoint], ATTRIBUTE, None)
        if operation is not None:
            for method in methods(rule):
                found.setdefault(templated(rule), {})[method.lower()] = operation
    return found


def methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - set(BUILT_IN))


def templated(rule: Rule) -> str:
    return _VARIABLE.sub(r"{\1}", rule.rule)


def document(all_: Operations) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    paths = {
        path: {
            method: _operation(path, method, operation, parts) for method, operation in sorted(each.items())
        }
        for path, each in sorted(all_.items())
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "live-torrent",
            "version": __version__,
            "description": "What everybody may read needs nothing; the rest needs the admin's token.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {"admin": {"type": "http", "scheme": "bearer"}},
            "schemas": dict(sorted(parts.items())),
        },
    }


def _operation(path: str, method: str, operation: Operation, parts: dict[str, Any]) -> dict[str, Any]:
    answers = {
        status: {"description": text, **_content(content, parts)}
        for status, (text, content) in operation.answers.items()
    }
    errors = {**(ADMINS if operation.admin else {}), **operation.errors}
    for status, text in errors.items():
        answers[status] = {"description": text, **_content(ERROR, parts)}
    for status, headers in operation.returned.items():
        answers[status]["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
        }
    found: dict[str, Any] = {
        "operationId": _ident(path, method),
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": {str(status): answers[status] for status in sorted(answers)},
    }
    if operation.detail:
        found["description"] = operation.detail
    if parameters := list(_parameters(path, operation, parts)):
        found["parameters"] = parameters
    if operation.body is not None:
        found["requestBody"] = {"required": operation.needed, **_content(operation.body, parts)}
    if operation.admin:
        found["security"] = [{"admin": []}]
    return found


def _parameters(path: str, operation: Operation, parts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{([^}]+)\}", path):
        text = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
        yield {"name": name, "in": "path", "required": True, "schema": text}
    for where, named in (("query", operation.query), ("header", operation.headers)):
        for name, (text_, schema) in named.items():
            found = {"name": name, "in": where, "description": text_, "schema": _plain(schema, parts)}
            yield found | ({"required": True} if name in operation.must else {})


def _content(content: Content, parts: dict[str, Any]) -> dict[str, Any]:
    if content is None:
        return {}
    kind, schema = ("application/json", content)
    if isinstance(content, Bytes):
        kind, schema = content.type, content.schema
    return {"content": {kind: {"schema": _plain(schema, parts)}}}


def _plain(schema: Any, parts: dict[str, Any]) -> Any:
    """With references in place of what has a name, which is put among ``parts``."""
    if isinstance(schema, Named):
        if schema.name not in parts:
            parts[schema.name] = {}  # it may refer to itself
            parts[schema.name] = _plain(schema.schema, parts)
        return {"$ref": f"#/components/schemas/{schema.name}"}
    if isinstance(schema, Mapping):
        return {name: _plain(value, parts) for name, value in schema.items()}
    if isinstance(schema, list | tuple):
        return [_plain(value, parts) for value in schema]
    return schema


def _ident(path: str, method: str) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", " ", path.removeprefix("/api")).split()
    return method + "".join(word[:1].upper() + word[1:] for word in words)
