"""One ECS task: containers that are processes of this machine, in the order and with the endings that ECS gives them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable

import images
import processes

ESSENTIAL_EXITED = "Essential container in task exited"
# What the agent records of a container that it could not start: as if it had sent SIGTERM.
NEVER_STARTED = 143
stop_timeout_sec = 30.0


def now_text() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


class Container:
    def __init__(self, spec: dict, folder: Path):
        self.spec = spec
        self.name: str = spec.get("name") or "default"
        self.essential: bool = spec.get("essential", True)
        self.depends_on: list[dict] = spec.get("dependsOn") or []
        self.folder = folder / "containers" / self.name
        self.log = folder / "logs" / f"{self.name}.log"
        self.status = "PENDING"
        self.exit_code: int | None = None
        self.reason: str | None = None
        self.started_at: str | None = None
        self.finished_at: str | None = None
        self.process: subprocess.Popen | None = None

    def signal(self, number: int) -> None:
        """Its first process only, as a container is told to stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """All its processes: each container is a session of its own."""
        if self.process is not None:
            processes.kill_session(self.process.pid)

    def describe(self) -> dict:
        told = {"name": self.name, "exitCode": self.exit_code, "reason": self.reason}
        return {key: value for key, value in told.items() if value is not None}

    def metadata(self, desired: str) -> dict:
        told = {
            "DockerId": self.name,
            "Name": self.name,
            "Image": self.spec.get("image"),
            "KnownStatus": {"PENDING": "CREATED"}.get(self.status, self.status),
            "DesiredStatus": "STOPPED" if self.status == "STOPPED" else desired,
            "ExitCode": self.exit_code,
            "StartedAt": self.started_at,
            "FinishedAt": self.finished_at,
            "Type": "NORMAL",
        }
        return {key: value for key, value in told.items() if value is not None}


class Task:
    """`run` returns when no container is left."""

    def __init__(self, properties: dict, folder: Path, environment: dict[str, str], arn: str = ""):
        self.arn = arn
        self.folder = folder
        self.environment = environment
        self.containers = [Container(spec, folder) for spec in properties["containers"]]
        self.stop_reason: str | None = None
        self._changed = threading.Condition()
        self._mounts = {}
        for volume in properties.get("volumes") or []:
            path = folder / "volumes" / volume["name"]
            path.mkdir(parents=True, exist_ok=True)
            self._mounts[volume["name"]] = str(path)
        (folder / "logs").mkdir(parents=True, exist_ok=True)

    def run(self, on_running: Callable[[], None]) -> None:
        for container in self.containers:
            threading.Thread(target=self._live, args=(container, on_running), daemon=True).start()
        with self._changed:
            while any(each.status != "STOPPED" for each in self.containers):
                self._changed.wait()

    def stop(self, reason: str, grace_sec: float | None = None) -> None:
        """Ends all containers, those that nobody depends on first. Later calls change nothing."""
        with self._changed:
            if self.stop_reason is not None:
                return
            self.stop_reason = reason
            self._changed.notify_all()
        for container in self.containers:
            grace = container.spec.get("stopTimeout", stop_timeout_sec) if grace_sec is None else grace_sec
            threading.Thread(target=self._stop_one, args=(container, grace), daemon=True).start()

    def kill(self, container: Container, exit_reason: str) -> None:
        container.reason = exit_reason
        container.kill()

    def exit_code(self) -> int | None:
        """Of the essential containers, the first that is not 0; none where one has no code."""
        codes = [each.exit_code for each in self.containers if each.essential]
        return next((code for code in codes if code != 0), 0)

    def metadata(self) -> dict:
        desired = "RUNNING" if self.stop_reason is None else "STOPPED"
        return {
            "TaskARN": self.arn,
            "Cluster": "emulated",
            "DesiredStatus": desired,
            "KnownStatus": desired,
            "Containers": [each.metadata(desired) for each in self.containers],
        }

    def _live(self, container: Container, on_running: Callable[[], None]) -> None:
        refusal = self._await_turn(container)
        if refusal is not None:
            self._ended(container, NEVER_STARTED if self.stop_reason is None else None, refusal)
            return
        # Our children get SIGKILL when the thread that made them ends: this one waits for them.
        try:
            container.process = self._spawn(container)
            processes.end_with_us(container.process.pid)
        except OSError as error:
            self._ended(container, 127, f"CannotStartContainerError: {error}")
            return
        with self._changed:
            container.status = "RUNNING"
            container.started_at = now_text()
            self._changed.notify_all()
        on_running()
        if self.stop_reason is not None:
            container.signal(signal.SIGTERM)
        code = container.process.wait()
        # With its first process a container's others end.
        container.kill()
        self._ended(container, 128 - code if code < 0 else code, container.reason)

    def _ended(self, container: Container, code: int | None, reason: str | None) -> None:
        with self._changed:
            container.exit_code = code
            container.reason = reason
            container.finished_at = now_text()
            container.status = "STOPPED"
            self._changed.notify_all()
        if container.essential:
            self.stop(ESSENTIAL_EXITED)

    def _await_turn(self, container: Container) -> str | None:
        """Waits for what it depends on; says why it can't start."""
        with self._changed:
            while True:
                if self.stop_reason is not None:
                    return self.stop_reason
                verdicts = [self._verdict(container, each) for each in container.depends_on]
                refusal = next((each for each in verdicts if isinstance(each, str)), None)
                if refusal is not None:
                    return refusal
                if all(verdicts):
                    return None
                self._changed.wait()

    def _verdict(self, container: Container, dependency: dict) -> bool | str:
        on = self._named(dependency["containerName"])
        condition = dependency["condition"]
        if condition == "START":
            return on.status != "PENDING"
        if on.status != "STOPPED":
            return False
        if condition == "SUCCESS" and on.exit_code != 0:
            return (
                "dependency graph: failed to resolve the container ordering dependency "
                f"[{on.name}] for target [{container.name}] as dependency did not exit successfully."
            )
        return True

    def _named(self, name: str) -> Container:
        return next(each for each in self.containers if each.name == name)

    def _stop_one(self, container: Container, grace_sec: float) -> None:
        with self._changed:
            while any(
                each.status != "STOPPED" and any(on["containerName"] == container.name for on in each.depends_on)
                for each in self.containers
            ):
                self._changed.wait()
            if container.status == "STOPPED":
                return
        container.signal(signal.SIGTERM)
        end = time.monotonic() + grace_sec
        with self._changed:
            while container.status != "STOPPED" and time.monotonic() < end:
                self._changed.wait(end - time.monotonic())
            if container.status == "STOPPED":
                return
        container.kill()

    def _spawn(self, container: Container) -> subprocess.Popen:
        tmp = container.folder / "tmp"
        tmp.mkdir(parents=True, exist_ok=True)
        image = images.resolve(container.spec.get("image", ""))
        command = [*image.get("entrypoint", []), *map(self._mapper(container), container.spec.get("command") or [])]
        environment = {
            "HOME": str(container.folder),
            "TMPDIR": str(tmp),
            "PATH": images.path_of(image),
            **image.get("env", {}),
            **self.environment,
        }
        mapped = self._mapper(container)
        for variable in container.spec.get("environment") or []:
            environment[variable["name"]] = mapped(variable.get("value", ""))
        with container.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=container.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=processes.die_with_parent,
            )

    def _mapper(self, container: Container) -> Callable[[str], str]:
        mounts = {
            mount["containerPath"].rstrip("/"): self._mounts[mount["sourceVolume"]]
            for mount in container.spec.get("mountPoints") or []
        }
        if not mounts:
            return lambda text: text
        longest_first = "|".join(re.escape(path) for path in sorted(mounts, key=len, reverse=True))
        pattern = re.compile(rf"(?<![\w./-])(?:{longest_first})(?![\w.-])")
        return lambda text: pattern.sub(lambda match: mounts[match.group()], text)
