"""Words in which a route says what it takes and gives, beside itself; :mod:`seeder.web.openapi` reads them.

    @routes.get("/api/tasks")
    @described("All tasks", tag="tasks", admin=True, answers={200: ("newest first", TASKS)})
    async def all_tasks() -> Response: …

A schema is a JSON Schema (2020-12) as a dictionary; one with a name of its own is a :class:`Named`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Schema = Mapping[str, Any]
View = TypeVar("View", bound=Callable[..., Any])
ATTRIBUTE = "__described__"


@dataclass(frozen=True, slots=True)
class Named:
    """A schema that stands among the components, and is referred to."""

    name: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Bytes:
    """An answer, or a body, that is no JSON."""

    type: str
    schema: Schema = field(default_factory=lambda: {"type": "string", "format": "binary"})


Content = Named | Bytes | Schema | None
"""``None``: no body."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route with one method."""

    summary: str
    tag: str
    admin: bool
    answers: Mapping[int, tuple[str, Content]]
    errors: Mapping[int, str]
    body: Content
    needed: bool
    """The body is."""
    query: Mapping[str, tuple[str, Schema]]
    headers: Mapping[str, tuple[str, Schema]]
    """Of the request."""
    must: tuple[str, ...]
    """Headers that have to be there."""
    returned: Mapping[int, Mapping[str, str]]
    """Headers of answers, and what they say."""
    detail: str


def operation(
    summary: str,
    *,
    tag: str,
    admin: bool = False,
    answers: Mapping[int, tuple[str, Content]],
    errors: Mapping[int, str] | None = None,
    body: Content = None,
    needed: bool = True,
    query: Mapping[str, tuple[str, Schema]] | None = None,
    headers: Mapping[str, tuple[str, Schema]] | None = None,
    must: tuple[str, ...] = (),
    returned: Mapping[int, Mapping[str, str]] | None = None,
    detail: str = "",
) -> Operation:
    """``admin``: needs the token, which may be refused with 401, 403 and 429; ``answers``, ``errors``: what
    it says by status, errors always as ``{"error": …}``; ``body``: what it takes, ``needed`` or not."""
    return Operation(
        summary,
        tag,
        admin,
        answers,
        errors or {},
        body,
        needed,
        query or {},
        headers or {},
        must,
        returned or {},
        detail,
    )


def described(summary: str, **rest: Any) -> Callable[[View], View]:
    """Puts the :func:`operation` of these arguments beside a route."""
    found = operation(summary, **rest)

    def note(view: View) -> View:
        setattr(view, ATTRIBUTE, found)
        return view

    return note


def shape(
    needed: Mapping[str, Any], optional: Mapping[str, Any] | None = None, more: bool = True
) -> dict[str, Any]:
    """An object; ``more``: with other members than those, too, as answers of later versions may have."""
    found: dict[str, Any] = {"type": "object", "properties": {**needed, **(optional or {})}}
    if needed:
        found["required"] = list(needed)
    if not more:
        found["additionalProperties"] = False
    return found


def array(of: Any) -> Schema:
    return {"type": "array", "items": of}


def maybe(kind: str, **more: Any) -> Schema:
    """That, or null."""
    return {"type": [kind, "null"], **more}


TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
SECONDS: Schema = {"type": "number", "description": "Unix seconds"}
STREAM_NAME: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    "description": "a stream's name",
    "example": "garden",
}
ERROR = Named("Error", shape({"error": {"type": "string", "description": "a line for people"}}))
