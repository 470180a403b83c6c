"""A limit on the time user code may take, by the alarm of the main thread. What hangs in native code is the proxy's business."""

from __future__ import annotations

import contextlib
import signal
from typing import Any, Iterator


class LimitReached(Exception):
    pass


@contextlib.contextmanager
def time_limit(ms: int) -> Iterator[None]:
    signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, ms / 1000)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def on_alarm(*_: Any) -> None:
    raise LimitReached
