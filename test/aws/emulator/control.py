"""What tests tell the emulator, under `/_trainyard/`: faults, and a look inside. Also the containers' metadata."""

from __future__ import annotations

import json

import events
import images
import jobs
import queues
import tasks
from names import name_of

PREFIX = "/_trainyard/"


def install(app) -> None:
    inner = app.app

    async def outer(scope, receive, send):
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await inner(_as_asked(scope), receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        status, told = _answer(scope["path"].removeprefix(PREFIX), body)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    app.app = outer


def _as_asked(scope: dict) -> dict:
    """A gateway tells by which scheme it was asked; this one is, unlike AWS's, by plain HTTP."""
    headers = scope.get("headers", [])
    if not any(name == b"host" and b".execute-api." in value for name, value in headers):
        return scope
    others = [each for each in headers if each[0] != b"x-forwarded-proto"]
    return {**scope, "headers": [*others, (b"x-forwarded-proto", b"http")]}


def _answer(name: str, body: bytes) -> tuple[int, object]:
    if name.startswith("ecs/"):
        return _metadata(name.removeprefix("ecs/"))
    call = _CALLS.get(name)
    if call is None:
        return 404, {"message": f"the emulator has no control {name}"}
    try:
        return 200, call(json.loads(body or b"{}"))
    except (KeyError, StopIteration) as error:
        return 400, {"message": f"{type(error).__name__}: {error}"}


def _metadata(path: str) -> tuple[int, object]:
    job_id, _, what = path.partition("/")
    for job in jobs.all_jobs.values():
        if job.folder_name() == job_id and job.task is not None:
            told = job.task.metadata()
            return 200, told if what == "task" else told["Containers"][0]
    return 404, {"message": "no such task"}


def _jobs(_asked: dict) -> list[dict]:
    found = []
    for job in list(jobs.all_jobs.values()):
        containers = job.task.containers if job.task else []
        logs = {each.name: each.log.read_text(errors="replace") for each in containers if each.log.exists()}
        folder = str(job.task.folder) if job.task else None
        found.append({**job.describe(), "logs": logs, "folder": folder})
    return found


def _hold(asked: dict) -> dict:
    with jobs.changed:
        jobs.holds.append(asked)
        jobs.changed.notify_all()
        # A queue is blocked by the job at its head, and Batch says so once.
        first: dict[str, jobs.Job] = {}
        for job in jobs.all_jobs.values():
            if job.held() and asked.get("statusReason") is not None:
                first.setdefault(job.queue_name, job)
    for job in first.values():
        events.emit_blocked(job)
    return {}


def _release(asked: dict) -> dict:
    with jobs.changed:
        match = asked.get("match")
        jobs.holds[:] = [] if match is None else [hold for hold in jobs.holds if hold.get("match", {}) != match]
        jobs.changed.notify_all()
    return {}


def _interrupt(asked: dict) -> dict:
    job = jobs.all_jobs[name_of(asked["jobId"])]
    reason = asked.get("reason", "Host EC2 (instance i-0123456789abcdef0) terminated.")
    job.lose_machine(reason, float(asked.get("graceSec", 0)))
    return {"reason": reason}


def _oom(asked: dict) -> dict:
    task = jobs.all_jobs[name_of(asked["jobId"])].task
    container = next(each for each in task.containers if each.name == asked["container"])
    task.kill(container, "OutOfMemoryError: Container killed due to memory usage")
    return {}


def _environment(asked: dict) -> dict:
    found = queues.environments[name_of(asked["name"])]
    with jobs.changed:
        found.update({key: asked[key] for key in ("status", "statusReason", "state") if key in asked})
        jobs.changed.notify_all()
    return found


def _stop_timeout(asked: dict) -> dict:
    tasks.stop_timeout_sec = float(asked["seconds"])
    return {}


def _images(asked: dict) -> dict:
    images.told.update(asked)
    return images.told


_CALLS = {
    "jobs": _jobs,
    "hold": _hold,
    "release": _release,
    "interrupt": _interrupt,
    "oom": _oom,
    "events": events.set_faults,
    "flush": lambda _: {"sent": events.flush()},
    "environment": _environment,
    "images": _images,
    "stopTimeoutSec": _stop_timeout,
}
