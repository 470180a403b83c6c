"""Job state changes as events on the default bus; lost, doubled or out of order where a test asks for it."""

from __future__ import annotations

import json
import random
import threading

from ministack.core.responses import request_scope
from ministack.services import eventbridge

_lock = threading.Lock()
_faults = {"lose": 0.0, "double": 0.0, "shuffle": False}
_random = random.Random(0)
_kept: list[tuple[str, str, dict]] = []


def set_faults(asked: dict) -> dict:
    """For events from now on: chances to lose or to double one; `shuffle` keeps all until `flush`."""
    with _lock:
        _faults.update({"lose": 0.0, "double": 0.0, "shuffle": False} | {key: asked[key] for key in _faults if key in asked})
        _random.seed(asked.get("seed", 0))
    return dict(_faults)


def flush() -> int:
    with _lock:
        kept, _kept[:] = list(_kept), []
        _random.shuffle(kept)
    for each in kept:
        _put(*each)
    return len(kept)


def emit(job) -> None:
    _send(job, "Batch Job State Change")


def emit_blocked(job) -> None:
    _send(job, "Batch Job Queue Blocked")


def _send(job, kind: str) -> None:
    detail = job.describe()
    entry = {"Source": "aws.batch", "DetailType": kind, "Detail": json.dumps(detail), "Resources": [job.arn]}
    with _lock:
        if _random.random() < _faults["lose"]:
            return
        times = 2 if _random.random() < _faults["double"] else 1
        if _faults["shuffle"]:
            _kept.extend([(job.account, job.region, entry)] * times)
            return
    for _ in range(times):
        _put(job.account, job.region, entry)


def _put(account: str, region: str, entry: dict) -> None:
    with request_scope(account, region):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
