"""One process, or WORKER_COUNT of them as Azure's server has it: each loads the model for itself, so that they run at the same time."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
from typing import Callable, Dict

from httpd import Handler, serve

UNSERVABLE = 3
QUICK_DEATH_SEC = 5.0


class Unservable(Exception):
    """The script or model can't be served; the message is for who deployed it, and the cause has been printed."""


def worker_count() -> int:
    try:
        return max(1, int(os.environ.get("WORKER_COUNT", "1")))
    except ValueError:
        return 1


def run_workers(
    listen: Callable[[], socket.socket], make_handler: Callable[[], Handler], fail: Callable[[str], None]
) -> None:
    count = worker_count()
    if count == 1:
        handler = prepared(make_handler, fail)
        # The socket appears only now: who can connect is answered.
        serve(listen(), handler)
        # Threads of the script (telemetry, pools) must not hold the process.
        sys.stdout.flush()
        os._exit(0)
    supervise(listen(), make_handler, fail, count)


def prepared(make_handler: Callable[[], Handler], fail: Callable[[str], None]) -> Handler:
    try:
        return make_handler()
    except BaseException as cause:
        if not isinstance(cause, Unservable):
            traceback.print_exc()
        fail(str(cause) or type(cause).__name__)
        sys.stdout.flush()
        os._exit(UNSERVABLE)


def supervise(
    server: socket.socket, make_handler: Callable[[], Handler], fail: Callable[[str], None], count: int
) -> None:
    children: Dict[int, float] = {}

    def start() -> None:
        pid = os.fork()
        if pid == 0:
            # A worker takes a connection only when it is idle: connections that stay would pile up on a busy one.
            serve(server, prepared(make_handler, fail), keep_alive=False)
            sys.stdout.flush()
            os._exit(0)
        children[pid] = time.monotonic()

    def end(*_: object) -> None:
        for pid in children:
            os.kill(pid, signal.SIGTERM)
        os._exit(0)

    for _ in range(count):
        start()
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        pid, status = os.wait()
        started = children.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if code == UNSERVABLE:
            for other in children:
                os.kill(other, signal.SIGKILL)
            os._exit(UNSERVABLE)
        if not children and code == 0:
            os._exit(0)  # standard input ended: every worker saw it
        if time.monotonic() - started < QUICK_DEATH_SEC:
            time.sleep(1.0)
        if code != 0:
            start()
