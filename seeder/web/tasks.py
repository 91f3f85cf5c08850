"""Tasks over HTTP: ``/api/tasks``. Exports, imports and the like, how far they are and what came of them.

    GET     /api/tasks       all, for the admin
    GET     /api/tasks/ID    one, for who knows its id, which is random: who asked for it was told
    DELETE  /api/tasks/ID    cancels it; forgets it when it is over. For the admin

Only the admin cancels: all who ask for the same export share one task, and none of them is to take it from
the others.
"""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response

from seeder.tasks import FullError, Task, Tasks
from seeder.tasks.task import State
from seeder.web import api
from seeder.web.described import SECONDS, TEXT, Named, array, described, maybe, shape
from seeder.web.operator import ApiError, Operator, reply, tell_errors

_TIME = {**SECONDS, "type": ["number", "null"]}
TASK = Named(
    "Task",
    shape(
        {
            "id": {"type": "string", "description": "random: whoever knows it may ask for it"},
            "kind": TEXT,
            "about": {"type": "string", "description": "the recording or stream it is for"},
            "state": {"enum": [state.value for state in State]},
            "created": SECONDS,
            "started": _TIME,
            "ended": _TIME,
            "progress": maybe("number", minimum=0, maximum=1, description="null: not known"),
            "detail": {"type": "string", "description": "what it does now"},
            "error": {"type": "string", "description": "why it failed"},
            "result": {"type": "object", "description": "what came of it"},
        }
    ),
)


def blueprint(tasks: Tasks, operator: Operator) -> Blueprint:
    routes = Blueprint("tasks", __name__)
    tell_errors(routes)

    @routes.get("/api/tasks")
    @described("All tasks", tag="tasks", admin=True, answers={200: ("all", shape({"tasks": array(TASK)}))})
    async def all_tasks() -> Response:
        operator.check()
        await tasks.ready()
        return reply({"tasks": [describe(task) for task in tasks.all()]})

    @routes.get("/api/tasks/<id>")
    @described("One task", tag="tasks", answers={200: ("as it is now", TASK)}, errors={404: "No such task."})
    async def one(id: str) -> Response:
        await tasks.ready()
        if (task := tasks.get(id)) is None:
            return api.reply({"error": "no such task"}, 404)
        return api.reply(describe(task))

    @routes.delete("/api/tasks/<id>")
    @described(
        "Cancel a task, or forget one that is over",
        tag="tasks",
        admin=True,
        answers={200: ("as it ended", TASK)},
        errors={404: "No such task."},
    )
    async def cancel(id: str) -> Response:
        operator.check()
        await tasks.ready()
        if (task := await tasks.cancel(id)) is None:
            raise ApiError(404, "no such task")
        return reply(describe(task))

    return routes


def describe(task: Task) -> dict[str, Any]:
    """For everybody who may see it. Not its request, which may say where something is fetched from."""
    return {
        "id": task.id,
        "kind": task.kind,
        "about": task.about,
        "state": task.state.value,
        "created": task.created,
        "started": task.started,
        "ended": task.ended,
        "progress": task.progress,
        "detail": task.detail,
        "error": task.error,
        "result": dict(task.result),
    }


def full(error: FullError) -> ApiError:
    return ApiError(503, str(error), Retry_After="60")


def accepted(task: Task) -> Response:
    """202, and where to ask how far it is."""
    return reply(describe(task), 202, {"Location": f"/api/tasks/{task.id}"})
