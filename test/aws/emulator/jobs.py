"""Batch jobs: records, and the thread of each that takes it from SUBMITTED to its end."""

from __future__ import annotations

import fnmatch
import os
import re
import threading
import time
import uuid
from pathlib import Path

import events
import images
import queues
import retry
from ministack.core.responses import get_account_id, get_region, request_scope
from names import arn_of, name_of
from proxy import proxy_variables
from tasks import ESSENTIAL_EXITED, Task

FINAL = ("SUCCEEDED", "FAILED")
all_jobs: dict[str, "Job"] = {}
# {match, status, statusReason}: jobs that match go no further than that status.
holds: list[dict] = []
changed = threading.Condition()


def now_ms() -> int:
    return int(time.time() * 1000)


def matches(job: "Job", match: dict) -> bool:
    facts = {"jobName": job.name, "jobQueue": job.queue_name, "jobId": job.id}
    return all(fnmatch.fnmatch(facts[key], pattern) for key, pattern in match.items())


class Job:
    """A job, one child of an array, or one node of a multi-node job. `properties`: the task it is, overrides applied."""

    def __init__(self, request: dict, definition: dict, properties: dict | None, job_id: str | None = None):
        self.id = job_id or str(uuid.uuid4())
        self.account, self.region = get_account_id(), get_region()
        self.arn = f"arn:aws:batch:{self.region}:{self.account}:job/{self.id}"
        self.request = request
        self.definition = definition
        self.properties = properties
        self.name: str = request["jobName"]
        self.queue_name = name_of(request["jobQueue"])
        self.status = "SUBMITTED"
        self.status_reason: str | None = None
        self.attempts: list[dict] = []
        self.created_at = now_ms()
        self.started_at: int | None = None
        self.stopped_at: int | None = None
        self.terminating: str | None = None
        self.is_cancelled = self.is_terminated = False
        self.children: list[Job] = []
        self.extra: dict = {}
        self.variables: dict[str, str] = {}
        self.task: Task | None = None
        self.environment_name: str | None = None

    # What it asks for ---------------------------------------------------------------------------------------------

    def vcpus(self) -> float:
        nodes = [each for each in self.children if each.properties] or [self]
        return sum(
            float(requirement["value"])
            for node in nodes
            for container in (node.properties or {"containers": []})["containers"]
            for requirement in container.get("resourceRequirements") or []
            if requirement["type"] == "VCPU"
        )

    def consumables(self) -> dict[str, int]:
        asked = (
            self.request.get("consumableResourcePropertiesOverride")
            or self.definition.get("consumableResourceProperties")
            or {}
        )
        return {
            name_of(each["consumableResource"]): int(each.get("quantity", 0))
            for each in asked.get("consumableResourceList") or []
        }

    # Its life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        all_jobs[self.id] = self
        threading.Thread(target=self._scoped, daemon=True).start()

    def _scoped(self) -> None:
        with request_scope(self.account, self.region):
            self.live()

    def live(self) -> None:
        if not self._await_dependencies():
            return
        allowed = int(self.retry_strategy().get("attempts", 1))
        for number in range(1, allowed + 1):
            self.move("RUNNABLE")
            if not queues.admit(self):
                return self.end("FAILED", self.terminating or "")
            try:
                reason, exit_code, told = self._attempt(number)
            finally:
                queues.leave(self)
            again = number < allowed and self.terminating is None and retry.again(self.retry_strategy(), reason, exit_code, told)
            if exit_code == 0 and reason == ESSENTIAL_EXITED:
                return self.end("SUCCEEDED", reason)
            if not again:
                return self.end("FAILED", self.terminating or reason)
            self.status_reason = reason

    def _await_dependencies(self) -> bool:
        asked = [each["jobId"] for each in self.request.get("dependsOn") or [] if each.get("jobId")]
        if not asked:
            return True
        self.move("PENDING")
        with changed:
            while self.terminating is None:
                found = [all_jobs[each].status for each in asked if each in all_jobs]
                if "FAILED" in found:
                    self.end("FAILED", "Dependent Job failed")
                    return False
                if all(status == "SUCCEEDED" for status in found):
                    return True
                changed.wait()
        self.end("FAILED", self.terminating)
        return False

    def _attempt(self, number: int) -> tuple[str, int | None, str]:
        """Runs it once: why it ended, the exit code, and the first container's reason."""
        self.move("STARTING")
        self.wait_while_held()
        attempt: dict = {"startedAt": now_ms()}
        folder = Path(os.environ["TRAINYARD_EMULATOR_DIR"]) / self.folder_name() / str(number)
        properties = self.properties or {"containers": []}
        reason, exit_code, told = "", None, ""
        error = next(filter(None, (images.pull_error(each.get("image", "")) for each in properties["containers"])), None)
        if self.terminating is not None:
            reason = self.terminating
        elif error is not None:
            reason, told = "Task failed to start", error
            attempt["taskProperties"] = [{"containers": [{"name": properties["containers"][0].get("name"), "reason": error}]}]
        else:
            task = Task(properties, folder, self._environment(number), self._task_arn())
            self.task = task
            self._limit(task)
            task.run(self._running)
            reason, exit_code = task.stop_reason or ESSENTIAL_EXITED, task.exit_code()
            told = next((each.reason for each in task.containers if each.reason), "")
            containers = [each.describe() for each in task.containers]
            attempt["taskProperties"] = [{"taskArn": task.arn, "containers": containers}]
        if "containerProperties" in self.definition and self.properties:
            first = attempt["taskProperties"][0]["containers"][0] if "taskProperties" in attempt else {}
            attempt["container"] = {key: value for key, value in first.items() if key != "name"}
        attempt |= {"stoppedAt": now_ms(), "statusReason": reason}
        with changed:
            self.attempts.append(attempt)
        return reason, exit_code, told

    def _limit(self, task: Task) -> None:
        seconds = (self.request.get("timeout") or self.definition.get("timeout") or {}).get("attemptDurationSeconds")
        if seconds is not None:
            timer = threading.Timer(int(seconds), task.stop, ["Job attempt duration exceeded timeout"])
            timer.daemon = True
            timer.start()

    def _running(self) -> None:
        with changed:
            if self.status == "RUNNING" or self.status in FINAL:
                return
            self.started_at = now_ms()
            self.status = "RUNNING"
            changed.notify_all()
        events.emit(self)

    def move(self, status: str) -> None:
        with changed:
            if self.status == status or self.status in FINAL:
                return
            self.status = status
            changed.notify_all()
        events.emit(self)

    def end(self, status: str, reason: str) -> None:
        with changed:
            self.stopped_at = now_ms()
            self.status_reason = reason
        self.move(status)

    def held(self) -> bool:
        """Also says why in `statusReason`, as Batch does of the job at a queue's head."""
        for hold in holds:
            if hold.get("status", "RUNNABLE") == self.status and matches(self, hold.get("match", {})):
                self.status_reason = hold.get("statusReason", self.status_reason)
                return True
        return False

    def wait_while_held(self) -> None:
        with changed:
            while self.terminating is None and self.held():
                changed.wait()

    def stop(self, reason: str, terminated: bool = True) -> None:
        """Terminate, or cancel, which leaves alone what has a machine already."""
        with changed:
            if self.status in FINAL or (not terminated and self.status in ("STARTING", "RUNNING")):
                return
            self.is_terminated |= terminated
            self.is_cancelled |= not terminated
            self.terminating = self.terminating or reason
            changed.notify_all()
        for each in [self, *self.children]:
            if each is not self:
                each.stop(reason, terminated)
            if each.task is not None:
                each.task.stop(reason)

    def lose_machine(self, reason: str, grace_sec: float) -> None:
        for each in [self, *self.children]:
            if each.task is not None:
                each.task.stop(reason, grace_sec)

    # What it is told and tells ---------------------------------------------------------------------------------------

    def retry_strategy(self) -> dict:
        return self.request.get("retryStrategy") or self.definition.get("retryStrategy") or {"attempts": 1}

    def folder_name(self) -> str:
        return re.sub("[:#]", "-", self.id)

    def _task_arn(self) -> str:
        return f"arn:aws:ecs:{self.region}:{self.account}:task/emulated/{uuid.uuid4().hex}"

    def _environment(self, number: int) -> dict[str, str]:
        return {
            **proxy_variables(),
            "ECS_CONTAINER_METADATA_URI_V4": f"{queues.endpoint()}/_trainyard/ecs/{self.folder_name()}",
            "AWS_BATCH_JOB_ID": self.id,
            "AWS_BATCH_JOB_ATTEMPT": str(number),
            "AWS_BATCH_JQ_NAME": self.queue_name,
            "AWS_BATCH_CE_NAME": self.environment_name or "",
            **self.variables,
        }

    def describe(self) -> dict:
        told = {
            "jobId": self.id,
            "jobArn": self.arn,
            "jobName": self.name,
            "jobQueue": arn_of("job-queue", self.queue_name),
            "jobDefinition": self.definition["jobDefinitionArn"],
            "status": self.status,
            "statusReason": self.status_reason,
            "attempts": self.attempts,
            "createdAt": self.created_at,
            "startedAt": self.started_at,
            "stoppedAt": self.stopped_at,
            "retryStrategy": self.retry_strategy(),
            "dependsOn": self.request.get("dependsOn") or [],
            "parameters": self.request.get("parameters") or {},
            "timeout": self.request.get("timeout") or self.definition.get("timeout"),
            "shareIdentifier": self.request.get("shareIdentifier"),
            "tags": self.request.get("tags") or {},
            "platformCapabilities": self.definition.get("platformCapabilities") or [],
            "isCancelled": self.is_cancelled,
            "isTerminated": self.is_terminated,
            **self._described_task(),
            **self.extra,
        }
        return {key: value for key, value in told.items() if value is not None}

    def _described_task(self) -> dict:
        if self.properties is None:
            return {}
        ended = {each.name: each.describe() for each in self.task.containers} if self.task else {}
        containers = [{**each, **ended.get(each.get("name", "default"), {})} for each in self.properties["containers"]]
        if "containerProperties" in self.definition:
            return {"container": containers[0]}
        task = {**self.properties, "containers": containers}
        return {"ecsProperties": {"taskProperties": [{**task, "taskArn": self.task.arn} if self.task else task]}}
