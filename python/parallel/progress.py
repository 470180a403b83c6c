"""Tells how far it is: a line in the log, and metrics of the run."""

import json
import os
import threading
import time
import urllib.request

EVERY_SEC = 5


class Progress:
    def __init__(self, scheduler):
        self.scheduler = scheduler
        self.told = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.go_on, daemon=True)
        self.thread.start()

    def go_on(self):
        while not self.over.wait(EVERY_SEC):
            self.tell()

    def tell(self):
        counts = self.scheduler.counts()
        if counts == self.told:
            return
        self.told = counts
        print(f"[parallel] {counts['done']} of {counts['total']} mini-batches done, {counts['failed']} failed", flush=True)
        log_metrics(counts)

    def close(self):
        self.over.set()
        self.thread.join()
        log_metrics(self.scheduler.counts())


def log_metrics(counts):
    """Metrics of the run, where one is tracked; what can't be told now is told with the next."""
    server, run = os.environ.get("MLFLOW_TRACKING_URI"), os.environ.get("MLFLOW_RUN_ID")
    if not server or not run:
        return
    now = int(time.time() * 1000)
    metrics = [
        {"key": f"parallel/{name}", "value": value, "timestamp": now, "step": counts["done"] + counts["failed"]}
        for name, value in counts.items()
    ]
    request = urllib.request.Request(
        f"{server}/api/2.0/mlflow/runs/log-batch",
        data=json.dumps({"run_id": run, "metrics": metrics}).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {os.environ.get('MLFLOW_TRACKING_TOKEN', '')}"},
    )
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except OSError as error:
        print(f"[parallel] progress could not be told: {error}", flush=True)
