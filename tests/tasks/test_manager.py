"""Tasks: taken, worked at, cancelled, begun again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from seeder.errors import LiveTorrentError
from seeder.events import Event, Events
from seeder.tasks import FullError, Job, State, Task, Tasks, Work, manager

PATIENCE = 60.0
Result = Mapping[str, object]


@asynccontextmanager
async def at_work(tasks: Tasks) -> AsyncIterator[Tasks]:
    """While the server runs."""
    running = asyncio.create_task(tasks.run())
    try:
        yield tasks
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def ended(tasks: Tasks, id: str) -> Task:
    async with asyncio.timeout(PATIENCE):
        while (task := tasks.get(id)) is None or not task.state.over or id in tasks._working:
            await asyncio.sleep(0.005)
    return task


async def hang(job: Job) -> Result:
    (job.folder / "half").write_bytes(b"half")
    job.tell(0.5, "half of it")
    await asyncio.Event().wait()
    return {}


async def running(tasks: Tasks, id: str) -> Task:
    """It hangs, see above."""
    async with asyncio.timeout(PATIENCE):
        while (task := tasks.get(id)) is None or task.progress is None:
            await asyncio.sleep(0.005)
    return task


def some(tmp_path: Path, events: Events | None = None, **kinds: Work) -> Tasks:
    return Tasks(tmp_path / "tasks", kinds, events or Events())


async def test_a_task_says_how_far_it_is_and_what_came_of_it(tmp_path: Path) -> None:
    seen: list[Event] = []
    events = Events()
    events.watch(seen.append)

    async def count(job: Job) -> Result:
        assert list(job.folder.iterdir()) == []
        (job.folder / "made").write_text("something")
        for step in range(5):
            job.tell(step / 5, f"step {step}")
        assert job.task.detail == "step 4"
        assert job.task.progress == 0.8
        return {"of": job.task.request["of"]}

    async with at_work(some(tmp_path, events, count=count)) as tasks:
        task = await tasks.start("count", "garden", {"of": 5})
        assert task.state is State.WAITING
        done = await ended(tasks, task.id)
        assert (done.state, done.progress, done.result) == (State.DONE, 1.0, {"of": 5})
        assert done.started is not None
        assert done.ended is not None
        assert not (tmp_path / "tasks" / task.id).exists()
    told = [(event.kind, event.data["state"], event.data["progress"]) for event in seen]
    assert told == [  # of five steps within a second one
        ("task.changed", "waiting", None),
        ("task.changed", "running", None),
        ("task.changed", "running", 0.0),
        ("task.changed", "done", 1.0),
    ]


async def test_one_of_a_kind_works_and_others_wait_in_their_order(tmp_path: Path) -> None:
    order: list[object] = []
    gate = asyncio.Event()

    async def note(job: Job) -> Result:
        order.append(job.task.request["n"])
        await gate.wait()
        return {}

    async with at_work(some(tmp_path, slow=note, quick=note, third=note)) as tasks:
        kinds = ["slow", "slow", "quick", "third", "slow"]
        made = [await tasks.start(kind, "a", {"n": n}) for n, kind in enumerate(kinds)]
        async with asyncio.timeout(PATIENCE):
            while len(order) < 2:
                await asyncio.sleep(0.005)
        assert order == [0, 2]
        gate.set()
        for task in made:
            assert (await ended(tasks, task.id)).state is State.DONE
        assert sorted(order, key=str) == [0, 1, 2, 3, 4]
        assert order.index(1) < order.index(4)


async def test_what_fails_says_why_and_what_is_a_bug_does_not_tell_of_it(tmp_path: Path) -> None:
    async def refuse(job: Job) -> Result:
        raise LiveTorrentError("the recording has no picture")

    async def crash(job: Job) -> Result:
        raise RuntimeError("of interest to us alone")

    async def fill(job: Job) -> Result:
        raise OSError(28, "No space left on device", "/a/path/of/ours")

    async with at_work(some(tmp_path, refuse=refuse, crash=crash, fill=fill)) as tasks:
        why = {}
        for kind in ("refuse", "crash", "fill"):
            done = await ended(tasks, (await tasks.start(kind, "a", {})).id)
            assert done.state is State.FAILED
            why[kind] = done.error
        assert why == {
            "refuse": "the recording has no picture",
            "crash": "unforeseen; the server's log says more",
            "fill": "no space left on device",
        }


async def test_whoever_cancels_finds_the_work_ended_and_its_folder_gone(tmp_path: Path) -> None:
    async with at_work(some(tmp_path, hang=hang)) as tasks:
        first = await tasks.start("hang", "a", {})
        second = await tasks.start("hang", "b", {})
        await running(tasks, first.id)
        assert (tmp_path / "tasks" / first.id / "half").exists()
        for id in (second.id, first.id):
            told = await tasks.cancel(id)
            assert told is not None
            assert told.state is State.CANCELLED
        assert not (tmp_path / "tasks" / first.id).exists()
        assert tasks.unfinished() == 0
        assert await tasks.cancel("0" * 32) is None
        # What is over is forgotten.
        assert await tasks.cancel(first.id) is not None
        assert tasks.get(first.id) is None
    assert not (tmp_path / "tasks" / f"{first.id}.json").exists()


async def test_a_task_can_be_cancelled_at_any_moment(tmp_path: Path) -> None:
    """Also before its work has had its first step, and in the middle of the write that says that it runs."""
    async with at_work(some(tmp_path, hang=hang)) as tasks:
        for steps in range(12):
            task = await tasks.start("hang", "a", {"steps": steps})
            for _ in range(steps):
                await asyncio.sleep(0)
            told = await tasks.cancel(task.id)
            assert told is not None
            assert told.state is State.CANCELLED, steps
            assert not tasks._working
    left = Tasks(tmp_path / "tasks", {}, Events())
    async with at_work(left):
        await left.ready()
        assert {task.state for task in left.all()} == {State.CANCELLED}


async def test_what_is_about_a_recording_that_is_gone_ends(tmp_path: Path) -> None:
    async with at_work(some(tmp_path, hang=hang)) as tasks:
        made = [await tasks.start("hang", about, {}) for about in ("gone", "stays", "gone")]
        await running(tasks, made[0].id)
        await tasks.cancel_about("gone")
        states = [one.state for task in made if (one := tasks.get(task.id)) is not None]
        assert states[0::2] == [State.CANCELLED, State.CANCELLED]
        assert not states[1].over


async def test_tasks_outlive_the_server_and_begin_again_from_their_request(tmp_path: Path) -> None:
    async with at_work(some(tmp_path, hang=hang)) as tasks:
        ids = [(await tasks.start("hang", "a", {"n": n})).id for n in range(3)]
        await running(tasks, ids[0])
        await tasks.cancel(ids[1])
    (tmp_path / "tasks" / ids[0]).mkdir(exist_ok=True)  # as a server that was killed leaves it
    (tmp_path / "tasks" / ids[0] / "half").write_bytes(b"half")
    (tmp_path / "tasks" / f"{ids[0]}.tmp").write_bytes(b'{"id"')
    (tmp_path / "tasks" / f"{'0' * 32}.json").write_bytes(b'{"kind":')
    (tmp_path / "tasks" / f"{'1' * 32}.json").write_bytes(b"[]")

    async def answer(job: Job) -> Result:
        assert list(job.folder.iterdir()) == []
        return {"n": job.task.request["n"]}

    async with at_work(some(tmp_path, hang=answer)) as tasks:
        await tasks.ready()
        assert {task.id for task in tasks.all()} == set(ids)
        done = [await ended(tasks, id) for id in ids]
        assert [task.state for task in done] == [State.DONE, State.CANCELLED, State.DONE]
        assert [task.result for task in done] == [{"n": 0}, {}, {"n": 2}]
        assert done[0].begun == 2
    assert not list((tmp_path / "tasks").glob("*.tmp"))


async def test_what_ends_the_server_each_time_is_not_begun_for_ever(tmp_path: Path) -> None:
    async with at_work(some(tmp_path, hang=hang)) as tasks:
        id = (await tasks.start("hang", "a", {})).id
        await running(tasks, id)
    for _ in range(manager.TRIES - 1):
        async with at_work(some(tmp_path, hang=hang)) as tasks:
            await running(tasks, id)
    async with at_work(some(tmp_path, hang=hang)) as tasks:
        done = await ended(tasks, id)
        assert done.state is State.FAILED
        assert "begun 3 times" in done.error


async def test_a_feed_is_worked_at_by_one_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "AGAIN", 0.01)
    other = some(tmp_path, hang=hang)
    async with AsyncExitStack() as stack:
        async with at_work(some(tmp_path, hang=hang)) as tasks:
            await tasks.ready()
            await stack.enter_async_context(at_work(other))
            with pytest.raises(FullError, match="another live-torrent"):
                await other.start("hang", "a", {})
            id = (await tasks.start("hang", "a", {})).id
        await running(other, id)  # the first one has stopped: it takes over
        assert other.warning == ""


async def test_queue_and_history_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "MOST", 3)
    monkeypatch.setattr(manager, "REMEMBERED", 2)
    async with at_work(some(tmp_path, hang=hang)) as tasks:
        made = [await tasks.start("hang", "a", {}) for _ in range(3)]
        with pytest.raises(FullError, match="too many"):
            await tasks.start("hang", "a", {})
        for task in made:
            await tasks.cancel(task.id)
        assert tasks.find("hang", "a", {}) == tasks.get(made[2].id)
        assert tasks.find("hang", "a", {"n": 1}) is None
        assert {task.id for task in tasks.all()} == {made[2].id, made[1].id}
    assert len(list((tmp_path / "tasks").glob("*.json"))) == 2


async def test_a_disk_that_takes_nothing_is_told_to_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(some(tmp_path, hang=hang)) as tasks:
        await tasks.ready()

        def full(task: Task) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(tasks._store, "save", full)
        with pytest.raises(FullError, match="No space left"):
            await tasks.start("hang", "a", {})
        assert tasks.all() == ()
