"""/api/tasks, over real HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seeder.events import Events
from seeder.tasks import Job, Tasks
from seeder.web.operator import Operator
from seeder.web.tasks import blueprint
from tests.tasks.test_manager import at_work, ended, hang, running
from tests.web.conftest import Open, Site

TOKEN = "a-token-of-the-operators"


async def ask(site: Site, method: str, path: str, token: str | None = TOKEN) -> tuple[int, Any]:
    def send() -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", site.bound.port, timeout=60)
        try:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            kind = response.getheader("Content-Type", "")
            return response.status, json.loads(response.read()) if "json" in kind else None
        finally:
            connection.close()

    return await asyncio.to_thread(send)


async def test_tasks_are_listed_asked_for_and_cancelled(open_site: Open, tmp_path: Path) -> None:
    async def quick(job: Job) -> Mapping[str, object]:
        return {"made": job.task.about}

    tasks = Tasks(tmp_path / "tasks", {"hang": hang, "quick": quick}, Events())
    site = await open_site(blueprints=(blueprint(tasks, Operator(TOKEN)),))
    async with at_work(tasks):
        first = await tasks.start("quick", "garden", {"from": "https://login:password@example.org/"})
        await ended(tasks, first.id)
        second = await tasks.start("hang", "film", {})
        await running(tasks, second.id)
        status, found = await ask(site, "GET", "/api/tasks")
        assert status == 200
        assert [(one["kind"], one["about"], one["state"]) for one in found["tasks"]] == [
            ("hang", "film", "running"),
            ("quick", "garden", "done"),
        ]
        assert (found["tasks"][0]["progress"], found["tasks"][0]["detail"]) == (0.5, "half of it")
        assert found["tasks"][1]["result"] == {"made": "garden"}
        assert "password" not in json.dumps(found)
        # Who knows the id may ask, and no more than that.
        for token in (None, "wrong"):
            assert (await ask(site, "GET", f"/api/tasks/{second.id}", token)) == (200, found["tasks"][0])
            assert (await ask(site, "GET", "/api/tasks", token))[0] == 401
            assert (await ask(site, "DELETE", f"/api/tasks/{second.id}", token))[0] == 401
        status, told = await ask(site, "DELETE", f"/api/tasks/{second.id}")
        assert (status, told["state"]) == (200, "cancelled")
        assert (await ask(site, "DELETE", f"/api/tasks/{first.id}"))[0] == 200
        for id in (first.id, "nothing", "..%2f..", "%00", "%E2%82%AC"):
            assert (await ask(site, "GET", f"/api/tasks/{id}"))[0] == 404
            assert (await ask(site, "DELETE", f"/api/tasks/{id}"))[0] == 404
