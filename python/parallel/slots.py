"""One worker process at a time, given one mini-batch after the other."""

import os
import subprocess
import sys
from multiprocessing import Pipe

START_TRIES = 3
START_SEC = 600


class Worker:
    def __init__(self, settings, number):
        near, far = Pipe()
        self.connection = near
        self.process = subprocess.Popen(
            [sys.executable, "-u", os.path.join(os.path.dirname(os.path.abspath(__file__)), "work.py"), str(far.fileno())],
            pass_fds=[far.fileno()],
            env={**os.environ, "TRAINYARD_PARALLEL_WORKER": f"{settings['node']}.{number}"},
        )
        far.close()
        self.connection.send(settings)

    def ask(self, message, timeout_sec):
        """The worker's answer; raises TimeoutError, or EOFError when it has died."""
        if message is not None:
            try:
                self.connection.send(message)
            except OSError:
                raise EOFError from None
        if not self.connection.poll(timeout_sec):
            raise TimeoutError
        try:
            return self.connection.recv()
        except OSError:
            raise EOFError from None

    def end(self, grace_sec):
        """Lets it call `shutdown()` and go; what does not go is killed."""
        try:
            self.connection.send(None)
            self.process.wait(grace_sec)
        except (OSError, subprocess.TimeoutExpired):
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.connection.close()

    def epitaph(self):
        code = self.process.wait()
        return f"the worker was ended by signal {-code}" if code < 0 else f"the worker ended with exit code {code}"


def run_slot(settings, source, number):
    worker = None
    timeout_sec = settings["timeout_sec"]
    while True:
        task = source.next()
        if task is None:
            break
        if worker is None:
            worker, reason = start(settings, number)
            if worker is None:
                source.fail_start(reason)
                break
        try:
            kind, *rest = worker.ask(task, timeout_sec)
        except TimeoutError:
            worker.kill()
            worker = None
            source.failed(task["index"], f"it took longer than {timeout_sec} s")
            continue
        except EOFError:
            reason = worker.epitaph()
            worker = None
            source.failed(task["index"], reason)
            continue
        if kind == "done":
            source.done(task["index"], *rest)
        else:
            source.failed(task["index"], *rest)
    if worker is not None:
        worker.end(timeout_sec)


def start(settings, number):
    """A worker whose `init()` has returned, or the reason why there is none."""
    reason = ""
    for _ in range(START_TRIES):
        worker = Worker(settings, number)
        try:
            kind, *rest = worker.ask(None, START_SEC)
        except TimeoutError:
            worker.kill()
            return None, f"`init()` of `{settings['entry_script']}` took longer than {START_SEC} s"
        except EOFError:
            reason = f"{worker.epitaph()} in `init()` of `{settings['entry_script']}`"
            continue
        if kind == "ready":
            return worker, ""
        worker.kill()
        return None, rest[0]
    return None, reason
